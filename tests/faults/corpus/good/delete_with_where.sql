DELETE FROM corpus.t WHERE id = 1;
DELETE FROM corpus.t USING corpus.org AS o WHERE o.id = corpus.t.id;
