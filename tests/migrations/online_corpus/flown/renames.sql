ALTER TABLE shop.users RENAME COLUMN nickname TO alias;
ALTER TABLE shop.orders RENAME CONSTRAINT orders_amount TO orders_amount_positive;
ALTER TABLE shop.audit RENAME TO events;
ALTER VIEW shop.active_users RENAME TO current_users;
ALTER SEQUENCE shop.tickets RENAME TO numbers;
