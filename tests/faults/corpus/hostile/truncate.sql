TRUNCATE corpus.t;
