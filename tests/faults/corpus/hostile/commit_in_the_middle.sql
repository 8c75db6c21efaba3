CREATE TABLE corpus.x (a int);
COMMIT;
CREATE TABLE corpus.y (a int);
