CREATE VIEW corpus.v WITH (security_barrier) AS SELECT id FROM corpus.t WHERE id > 0 WITH CHECK OPTION;
CREATE OR REPLACE VIEW corpus.v AS SELECT id FROM corpus.t;
DROP VIEW corpus.v;
