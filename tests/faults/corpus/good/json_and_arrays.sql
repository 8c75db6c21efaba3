CREATE TABLE corpus.x (j jsonb DEFAULT '{"COMMIT": [1, 2]}', a int[] DEFAULT ARRAY[1, 2], m int[][]);
INSERT INTO corpus.x (a) VALUES ('{1,2}');
