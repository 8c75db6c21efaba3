UPDATE shop.users SET settings = '{"theme": "light"}'::jsonb WHERE settings IS NULL AND name LIKE 'Name 1%';
UPDATE shop.users SET settings = jsonb_set(settings, '{size}', '1') WHERE settings ->> 'size' IS NOT NULL AND settings IS NULL;
