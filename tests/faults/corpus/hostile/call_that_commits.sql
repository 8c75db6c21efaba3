CREATE TABLE corpus.x (a int);
CREATE PROCEDURE corpus.p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;
CALL corpus.p();
