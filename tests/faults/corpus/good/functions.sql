CREATE FUNCTION corpus.f(a int, b text DEFAULT 'x', VARIADIC c int[] DEFAULT '{}') RETURNS TABLE (d int, e text) LANGUAGE sql STABLE PARALLEL SAFE COST 10 ROWS 5 AS $$ SELECT a, b $$;
CREATE FUNCTION corpus.g(INOUT a int, OUT b int) LANGUAGE plpgsql AS 'BEGIN b := a; END';
ALTER FUNCTION corpus.g(int) STABLE;
