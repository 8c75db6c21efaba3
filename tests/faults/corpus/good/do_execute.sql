DO $$ DECLARE n text; BEGIN
  FOREACH n IN ARRAY ARRAY['x', 'y'] LOOP
    EXECUTE format('CREATE TABLE corpus.%I (a int)', n);
  END LOOP;
END $$;
