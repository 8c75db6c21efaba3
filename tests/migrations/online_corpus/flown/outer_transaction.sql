BEGIN;
ALTER TABLE shop.users ADD COLUMN phone text;
COMMENT ON COLUMN shop.users.phone IS 'Phone';
COMMIT;
