CREATE TABLE corpus.x (commit int, begin int, "end" int, savepoint int, release int);
