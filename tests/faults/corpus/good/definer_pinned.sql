CREATE FUNCTION corpus.f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, corpus, pg_temp AS 'SELECT 1';
REVOKE ALL ON FUNCTION corpus.f() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION corpus.f() TO platform_app;
