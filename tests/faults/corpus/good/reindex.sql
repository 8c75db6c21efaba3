REINDEX TABLE corpus.t;
