-- reason: it reads shop.users while it changes it
-- write: Take the value from other tables
UPDATE shop.users SET score = (SELECT max(score) FROM shop.users) WHERE score IS NULL;
