-- reason: or a part of a column
-- write: for each column
UPDATE shop.users SET settings['theme'] = '"x"' WHERE settings IS NULL;
