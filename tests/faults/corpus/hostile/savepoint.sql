SAVEPOINT a;
CREATE TABLE corpus.x (a int);
