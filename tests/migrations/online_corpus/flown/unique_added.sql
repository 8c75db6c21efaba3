ALTER TABLE shop.users ADD CONSTRAINT users_email UNIQUE (email);
ALTER TABLE shop.orders ADD UNIQUE (user_id, id) INCLUDE (amount) DEFERRABLE;
