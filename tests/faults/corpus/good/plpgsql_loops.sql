CREATE FUNCTION corpus.f() RETURNS SETOF corpus.t LANGUAGE plpgsql AS $$
DECLARE
  r corpus.t%ROWTYPE;
  c CURSOR FOR SELECT * FROM corpus.t;
BEGIN
  <<outer>>
  FOR r IN SELECT * FROM corpus.t FOR UPDATE LOOP
    CONTINUE outer WHEN r.id IN (SELECT 1);
    RETURN NEXT r;
  END LOOP;
  RETURN QUERY SELECT * FROM corpus.t WHERE id > 0;
  DELETE FROM corpus.t WHERE id = r.id RETURNING * INTO r;
  UPDATE corpus.t SET a = 'x' WHERE id = r.id;
  INSERT INTO corpus.t VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET a = excluded.a;
END $$;
