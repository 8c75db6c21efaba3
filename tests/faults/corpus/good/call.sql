CREATE PROCEDURE corpus.p(a int) LANGUAGE plpgsql AS 'BEGIN INSERT INTO corpus.t VALUES (a, $x$COMMIT$x$); END';
CALL corpus.p(5);
