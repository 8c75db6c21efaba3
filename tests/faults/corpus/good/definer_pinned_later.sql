CREATE FUNCTION corpus.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
ALTER FUNCTION corpus.f() SET search_path TO pg_catalog, pg_temp;
