CREATE TABLE corpus.x (a int);
CREATE PROCEDURE corpus.p() LANGUAGE sql AS 'COMMIT';
CALL corpus.p();
