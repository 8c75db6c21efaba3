DO $$ BEGIN
  IF true THEN
    DROP TABLE corpus.t;
  END IF;
END $$;
