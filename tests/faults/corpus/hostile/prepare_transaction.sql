CREATE TABLE corpus.x (a int);
PREPARE TRANSACTION 'hostile';
