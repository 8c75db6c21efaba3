CREATE TABLE corpus.x (a int);
SELECT 'never closed;
COMMIT;
