CREATE TABLE corpus.x (a int);
BEGIN;
CREATE TABLE corpus.y (a int);
COMMIT;
