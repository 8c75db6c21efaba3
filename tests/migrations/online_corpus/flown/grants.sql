GRANT USAGE ON SCHEMA shop TO platform_app;
GRANT SELECT, INSERT ON shop.orders TO platform_app;
GRANT UPDATE (note) ON shop.orders TO platform_app;
REVOKE INSERT ON shop.orders FROM platform_app;
GRANT USAGE ON SEQUENCE shop.tickets TO platform_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO platform_app;
