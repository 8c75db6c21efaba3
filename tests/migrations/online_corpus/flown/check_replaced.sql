ALTER TABLE shop.orders DROP CONSTRAINT orders_amount, ADD CONSTRAINT orders_amount CHECK (amount >= 0 AND amount < 100000);
