DROP INDEX shop.users_created;
CREATE INDEX users_created ON shop.users (created_at, id);
