COMMENT ON TABLE shop.users IS 'Whoever has 100% of an account';
COMMENT ON COLUMN shop.users.email IS 'Where it''s sent';
COMMENT ON SCHEMA shop IS 'The shop';
COMMENT ON INDEX shop.users_name IS 'By name';
COMMENT ON CONSTRAINT orders_amount ON shop.orders IS 'Not negative';
