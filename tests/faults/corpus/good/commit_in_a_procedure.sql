CREATE PROCEDURE corpus.p() LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO corpus.t VALUES (3, 'x');
  COMMIT;
END $$;
