VACUUM FULL corpus.t;
