-- reason: what the block does is not known
-- write: as statements of up.sql
DO $$ BEGIN PERFORM 1; END $$;
