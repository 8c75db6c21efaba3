CREATE TABLE corpus.x (j jsonb);
CREATE INDEX i ON corpus.x ((j ? 'a'));
