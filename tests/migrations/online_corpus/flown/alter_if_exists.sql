ALTER TABLE IF EXISTS shop.users ADD COLUMN phone text;
ALTER TABLE IF EXISTS shop.never_there ADD COLUMN phone text;
