CREATE TYPE corpus.pair AS (a int, b int);
CREATE FUNCTION corpus.f(corpus.pair) RETURNS text LANGUAGE sql RETURN ($1).a::text;
CREATE CAST (corpus.pair AS text) WITH FUNCTION corpus.f(corpus.pair) AS ASSIGNMENT;
