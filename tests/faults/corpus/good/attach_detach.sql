CREATE TABLE corpus.x (a int) PARTITION BY LIST (a);
CREATE TABLE corpus.x_1 (a int);
ALTER TABLE corpus.x ATTACH PARTITION corpus.x_1 FOR VALUES IN (1);
ALTER TABLE corpus.x DETACH PARTITION corpus.x_1;
