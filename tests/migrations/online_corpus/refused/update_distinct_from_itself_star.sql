-- reason: nothing in its WHERE leaves out the rows that it has changed
-- write: with the value that it sets
UPDATE shop.users SET nickname = to_json(users.*)::text, score = 1 WHERE nickname IS DISTINCT FROM to_json(users.*)::text;
