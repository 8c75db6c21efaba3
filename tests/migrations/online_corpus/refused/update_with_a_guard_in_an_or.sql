-- reason: nothing in its WHERE leaves out the rows that it has changed
-- write: joined by AND
UPDATE shop.users SET score = 1 WHERE score IS NULL OR id < 10;
