-- reason: nothing in its WHERE leaves out the rows that it has changed
-- write: with the value that it sets
UPDATE shop.users SET score = 1 WHERE score IS DISTINCT FROM 2;
