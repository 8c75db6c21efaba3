-- reason: nothing in its WHERE leaves out the rows that it has changed
-- write: with the value that it sets
UPDATE shop.users SET nickname = shop.users.nickname || 'x', score = 1 WHERE nickname IS DISTINCT FROM shop.users.nickname || 'x';
