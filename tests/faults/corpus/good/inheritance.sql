CREATE TABLE corpus.x (a int PRIMARY KEY, b text);
CREATE TABLE corpus.y (c int) INHERITS (corpus.x);
