ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_orders ON shop.orders FOR SELECT TO platform_app USING (note <> '%');
CREATE POLICY new_orders ON shop.orders FOR INSERT WITH CHECK (amount > 0);
ALTER POLICY new_orders ON shop.orders WITH CHECK (amount > 1);
COMMENT ON POLICY own_orders ON shop.orders IS 'Own';
DROP POLICY own_orders ON shop.orders;
