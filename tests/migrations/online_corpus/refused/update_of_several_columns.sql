-- reason: and where nickname is to become NULL the others would be set again
-- write: one UPDATE for each column
UPDATE shop.users SET nickname = name, score = score + 1 WHERE nickname IS NULL;
