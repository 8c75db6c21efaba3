CREATE TABLE IF NOT EXISTS corpus.x (a int);
CREATE TABLE IF NOT EXISTS corpus.x (a int);
