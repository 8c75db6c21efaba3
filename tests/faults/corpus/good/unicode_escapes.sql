CREATE TABLE corpus.U&"d\0061ta" (a int);
