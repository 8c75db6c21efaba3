WITH moved AS (UPDATE corpus.t SET a = 'x' WHERE id = 2 RETURNING id)
INSERT INTO corpus.org SELECT id + 100, 'moved' FROM moved;
