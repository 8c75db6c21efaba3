ALTER TABLE shop.orders ADD COLUMN plan text;
UPDATE shop.orders o SET plan = g.plan FROM shop.users u JOIN shop.organizations g ON g.id = 1 + u.id % 8 WHERE u.id = o.user_id AND o.plan IS NULL AND u.is_active;
