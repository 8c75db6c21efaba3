CREATE TABLE corpus.x (a int PRIMARY KEY, b text);
CREATE SCHEMA corpus_more;
ALTER TABLE corpus.x SET SCHEMA corpus_more;
