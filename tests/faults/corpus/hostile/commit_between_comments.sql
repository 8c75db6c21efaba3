CREATE TABLE corpus.x (a int);
/* a */ COMMIT -- b
 ; /* c */
