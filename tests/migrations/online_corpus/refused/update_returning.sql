-- reason: nobody reads what it is RETURNING
-- write: Leave out RETURNING
UPDATE shop.users SET score = 1 WHERE score IS NULL RETURNING id;
