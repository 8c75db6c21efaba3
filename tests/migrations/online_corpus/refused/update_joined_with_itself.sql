-- reason: it reads shop.users while it changes it
-- write: or from the row itself
UPDATE shop.users AS u SET score = v.score FROM users AS v WHERE v.id = u.id + 1 AND u.score IS NULL;
