CREATE AGGREGATE corpus.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
