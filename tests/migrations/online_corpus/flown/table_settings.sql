ALTER TABLE shop.orders SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.orders REPLICA IDENTITY FULL;
ALTER TABLE shop.orders OWNER TO platform_owner;
