CREATE TABLE corpus.x (a int);
DO $$ BEGIN ROLLBACK; END $$;
