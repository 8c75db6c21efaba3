CREATE TABLE corpus.x (a int PRIMARY KEY, b text);
INSERT INTO corpus.x VALUES (1, 'it''s; COMMIT; ''');
