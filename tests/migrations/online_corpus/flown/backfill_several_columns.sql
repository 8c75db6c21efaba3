ALTER TABLE shop.users ADD COLUMN a int, ADD COLUMN b text;
UPDATE shop.users SET a = coalesce(score, 0), b = name WHERE a IS NULL;
