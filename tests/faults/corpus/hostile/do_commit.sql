CREATE TABLE corpus.x (a int);
DO $$ BEGIN COMMIT; END $$;
