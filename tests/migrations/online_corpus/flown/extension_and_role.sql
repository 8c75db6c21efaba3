CREATE EXTENSION IF NOT EXISTS plpgsql;
GRANT platform_app TO platform_owner;
