LOCK TABLE corpus.t IN SHARE MODE;
CREATE TABLE corpus.x (a int PRIMARY KEY, b text);
