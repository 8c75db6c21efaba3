CREATE VIEW shop.big_orders AS SELECT * FROM shop.orders WHERE amount > 10;
CREATE OR REPLACE VIEW shop.active_users AS SELECT id, email, name FROM shop.users WHERE is_active;
CREATE MATERIALIZED VIEW shop.totals AS SELECT user_id, sum(amount) FROM shop.orders GROUP BY user_id WITH NO DATA;
ALTER VIEW shop.big_orders SET (security_barrier = true);
COMMENT ON VIEW shop.big_orders IS 'More than 10';
GRANT SELECT ON shop.big_orders TO platform_app;
DROP VIEW shop.active_users;
