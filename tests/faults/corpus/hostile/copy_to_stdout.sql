CREATE TABLE corpus.x (a int);
COPY corpus.x TO STDOUT;
