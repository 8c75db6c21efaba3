-- reason: random() may be volatile
-- write: built-in functions
UPDATE shop.users SET score = 1 WHERE score IS NULL AND random() < 0.5;
