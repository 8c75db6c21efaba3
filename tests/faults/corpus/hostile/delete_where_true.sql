DELETE FROM corpus.t WHERE 1 = 1;
