-- COMMIT;
CREATE TABLE corpus.x (a int PRIMARY KEY, b text);
-- ROLLBACK; '
