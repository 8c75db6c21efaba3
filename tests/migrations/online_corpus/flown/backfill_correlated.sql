ALTER TABLE shop.orders ADD COLUMN email text;
UPDATE shop.orders AS o SET email = (SELECT lower(u.email) FROM shop.users AS u WHERE u.id = o.user_id) WHERE o.email IS NULL;
