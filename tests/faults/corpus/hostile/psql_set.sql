\set x 1
CREATE TABLE corpus.x (a int);
