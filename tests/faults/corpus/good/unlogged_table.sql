CREATE UNLOGGED TABLE corpus.x (a int) WITH (fillfactor = 70);
