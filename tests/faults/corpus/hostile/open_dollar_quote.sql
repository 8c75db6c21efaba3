CREATE TABLE corpus.x (a int);
DO $body$ BEGIN END $bod$;
