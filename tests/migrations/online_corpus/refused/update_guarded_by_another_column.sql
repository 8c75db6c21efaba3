-- reason: nothing in its WHERE leaves out the rows that it has changed
-- write: for a column that it fills
UPDATE shop.users SET score = 1 WHERE nickname IS NULL;
