ALTER TABLE shop.users ADD COLUMN phone text;
