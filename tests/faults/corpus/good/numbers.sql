CREATE TABLE corpus.x (a numeric DEFAULT 1e10, b float8 DEFAULT 'NaN', c int DEFAULT -1, d float8 DEFAULT 'Infinity');
