ALTER TABLE shop.users ADD COLUMN display_name text;
UPDATE shop.users SET display_name = coalesce(name, nickname, email, '?') WHERE display_name IS NULL;
ALTER TABLE shop.users ALTER COLUMN display_name SET NOT NULL;
