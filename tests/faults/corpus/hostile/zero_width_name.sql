CREATE TABLE corpus.x (a int, "a​" int);
