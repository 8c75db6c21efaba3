CREATE FUNCTION shop.total(p_user int) RETURNS numeric LANGUAGE sql STABLE AS $$ SELECT sum(amount) FROM shop.orders WHERE user_id = p_user $$;
CREATE OR REPLACE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION shop.total() RETURNS numeric LANGUAGE sql STABLE BEGIN ATOMIC SELECT sum(amount) FROM shop.orders; END;
CREATE PROCEDURE shop.nothing(INOUT x int, VARIADIC y text[]) LANGUAGE plpgsql AS $p$ BEGIN x := 1; END $p$;
ALTER FUNCTION shop.total(int) SECURITY DEFINER SET search_path = pg_catalog;
REVOKE ALL ON FUNCTION shop.total(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.total(int) TO platform_app;
COMMENT ON FUNCTION shop.total(int) IS 'What a user''s orders cost';
COMMENT ON PROCEDURE shop.nothing(int, text[]) IS NULL;
