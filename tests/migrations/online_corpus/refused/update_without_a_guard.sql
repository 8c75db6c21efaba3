-- reason: nothing in its WHERE leaves out the rows that it has changed
-- write: IS DISTINCT FROM new_value
UPDATE shop.users SET score = score + 1;
