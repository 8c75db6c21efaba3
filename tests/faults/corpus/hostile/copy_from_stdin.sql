CREATE TABLE corpus.x (a int);
COPY corpus.x FROM STDIN;
1
\.
