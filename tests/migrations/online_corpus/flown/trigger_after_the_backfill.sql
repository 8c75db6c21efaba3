UPDATE shop.orders SET note = 'none' WHERE note IS NULL;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.stamp();
COMMENT ON TRIGGER stamp ON shop.orders IS 'Stamps';
