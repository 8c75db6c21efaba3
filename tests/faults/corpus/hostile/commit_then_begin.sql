CREATE TABLE corpus.x (a int);
COMMIT; BEGIN;
CREATE TABLE corpus.y (a int);
