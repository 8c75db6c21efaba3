CREATE TABLE corpus.x (a int PRIMARY KEY, b text);
INSERT INTO corpus.x SELECT 1, '100 %s %(a)s %' WHERE 5 % 2 = 1;
CREATE FUNCTION corpus.f() RETURNS text LANGUAGE sql RETURN format('%s', 1);
