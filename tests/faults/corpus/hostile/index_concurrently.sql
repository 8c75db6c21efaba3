CREATE TABLE corpus.x (a int);
CREATE INDEX CONCURRENTLY i ON corpus.x (a);
