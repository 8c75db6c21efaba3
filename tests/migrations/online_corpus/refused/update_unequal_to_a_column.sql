-- reason: nothing in its WHERE leaves out the rows that it has changed
-- write: IS DISTINCT FROM
UPDATE shop.users SET nickname = name WHERE nickname <> name;
