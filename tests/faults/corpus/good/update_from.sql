UPDATE corpus.t AS t SET a = o.name FROM corpus.org AS o WHERE o.id = t.id;
