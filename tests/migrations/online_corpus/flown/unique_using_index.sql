CREATE UNIQUE INDEX users_email_once ON shop.users (email);
ALTER TABLE shop.users ADD UNIQUE USING INDEX users_email_once;
CREATE UNIQUE INDEX orders_pair ON shop.orders (user_id, id);
ALTER TABLE shop.orders ADD CONSTRAINT orders_pair_key UNIQUE USING INDEX orders_pair;
