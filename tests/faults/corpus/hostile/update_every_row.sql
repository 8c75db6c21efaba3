UPDATE corpus.t SET a = '';
