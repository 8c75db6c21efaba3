SET lock_timeout = 0;
CREATE TABLE corpus.x (a int);
