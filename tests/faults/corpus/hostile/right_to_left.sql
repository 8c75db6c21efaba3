CREATE TABLE corpus.x (a int);
SELECT 1 ‮; TIMMOC
