ANALYZE corpus.t;
