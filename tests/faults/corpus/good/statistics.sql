CREATE STATISTICS corpus.s ON id, a FROM corpus.t;
