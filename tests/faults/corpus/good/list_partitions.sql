CREATE TABLE corpus.x (kind text, a int) PARTITION BY LIST (kind);
CREATE TABLE corpus.x_a PARTITION OF corpus.x FOR VALUES IN ('a', NULL);
