CREATE INDEX orders_note ON shop.orders (note text_pattern_ops DESC NULLS LAST) INCLUDE (amount) WHERE note IS NOT NULL;
CREATE UNIQUE INDEX users_email_lower ON shop.users (lower(email));
CREATE INDEX IF NOT EXISTS users_name ON shop.users (name);
CREATE INDEX users_settings ON shop.users USING gin (settings) WITH (fastupdate = off);
