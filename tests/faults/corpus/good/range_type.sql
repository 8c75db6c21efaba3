CREATE TYPE corpus.span AS RANGE (subtype = float8);
