CREATE TABLE corpus.x (a int);
ABORT;
CREATE TABLE corpus.y (a int);
