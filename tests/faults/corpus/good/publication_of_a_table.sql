CREATE TABLE corpus.x (a int PRIMARY KEY, b text);
SELECT count(*) FROM pg_catalog.pg_publication;
