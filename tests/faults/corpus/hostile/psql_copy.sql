CREATE TABLE corpus.x (a int);
\copy corpus.x FROM 'a.csv'
