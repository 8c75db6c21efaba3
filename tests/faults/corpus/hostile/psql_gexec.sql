CREATE TABLE corpus.x (a int);
SELECT 'COMMIT' \gexec
