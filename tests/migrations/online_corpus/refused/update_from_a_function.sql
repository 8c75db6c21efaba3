-- reason: each batch would call its function again
-- write: correlated subquery
UPDATE shop.users AS u SET score = s.n FROM upper('x') AS s (n) WHERE u.score IS NULL;
