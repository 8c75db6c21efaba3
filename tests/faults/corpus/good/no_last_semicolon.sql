CREATE TABLE corpus.x (a int PRIMARY KEY, b text);
CREATE INDEX i ON corpus.x (b)