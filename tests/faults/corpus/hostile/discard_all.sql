DISCARD ALL;
CREATE TABLE corpus.x (a int);
