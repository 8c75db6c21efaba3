CREATE TABLE corpus.x (a int);
DO $$ BEGIN EXECUTE 'COMMIT'; END $$;
