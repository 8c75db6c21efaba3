CREATE TABLE corpus.x (a int PRIMARY KEY, b text);
-- a
CREATE INDEX i ON corpus.x (b);
