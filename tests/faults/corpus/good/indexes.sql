CREATE INDEX i ON corpus.t (lower(a) text_pattern_ops DESC NULLS LAST) WHERE id > 10;
CREATE UNIQUE INDEX j ON corpus.t USING btree (id) INCLUDE (a);
CREATE INDEX k ON corpus.t USING hash (a);
CREATE INDEX l ON corpus.t USING gin (to_tsvector('english', a));
