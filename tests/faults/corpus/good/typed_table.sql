CREATE TYPE corpus.pair AS (a int, b text);
CREATE TABLE corpus.x OF corpus.pair (PRIMARY KEY (a));
