CREATE FUNCTION corpus.eq(text, int) RETURNS bool LANGUAGE sql RETURN false;
CREATE OPERATOR corpus.=== (LEFTARG = text, RIGHTARG = int, FUNCTION = corpus.eq);
