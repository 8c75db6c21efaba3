CREATE INDEX i ON corpus.t (a);
DROP INDEX corpus.i;
