CREATE TABLE corpus.x (a int);
COM​MIT;
