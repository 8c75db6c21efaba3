-- reason: is made twice
-- write: a name of its own
ALTER TABLE shop.orders ADD FOREIGN KEY (user_id) REFERENCES shop.users (id), ADD FOREIGN KEY (user_id) REFERENCES shop.users (id);
