COPY corpus.t TO '/tmp/t';
