CREATE TABLE corpus.x (a int);
/* never /* closed */
COMMIT;
