CREATE TABLE corpus.x (a int);
COMMIT AND CHAIN;
CREATE TABLE corpus.y (a int);
