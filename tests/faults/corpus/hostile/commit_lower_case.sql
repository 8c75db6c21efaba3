CREATE TABLE corpus.x (a int);
commit;
CREATE TABLE corpus.y (a int);
