DO $do$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = 'nothing') THEN
    CREATE TABLE corpus.x (a int);
  END IF;
  RAISE NOTICE 'COMMIT;';
END
$do$;
