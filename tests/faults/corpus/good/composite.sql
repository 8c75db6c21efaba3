CREATE TYPE corpus.pair AS (a int, b text);
ALTER TYPE corpus.pair ADD ATTRIBUTE c int;
