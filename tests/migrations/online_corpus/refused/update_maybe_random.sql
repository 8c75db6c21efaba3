-- reason: whether its random value is NULL is asked apart from setting it
-- write: COALESCE
UPDATE shop.users SET score = CASE WHEN random() < 0.5 THEN 1 END WHERE score IS NULL;
