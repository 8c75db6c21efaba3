CREATE TRIGGER stamp BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.stamp();
ALTER TABLE shop.orders ADD COLUMN checked boolean;
UPDATE shop.orders SET checked = amount > 20 WHERE checked IS NULL;
