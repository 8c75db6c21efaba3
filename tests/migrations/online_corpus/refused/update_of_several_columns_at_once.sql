-- reason: it sets several columns at once
-- write: for each column
UPDATE shop.users SET (nickname, score) = (SELECT 'a', 1) WHERE nickname IS NULL;
