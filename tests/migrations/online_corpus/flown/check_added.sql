ALTER TABLE shop.orders ADD CONSTRAINT orders_amount_small CHECK (amount < 1000000);
ALTER TABLE shop.users ADD CHECK (score IS NULL OR score > 0);
ALTER TABLE shop.users ADD CHECK (length(email) > length(name));
