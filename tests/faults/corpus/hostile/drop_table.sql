DROP TABLE corpus.t;
