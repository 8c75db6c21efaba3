-- reason: where two rows of FROM match, it would change a row back and forth
-- write: correlated subquery
UPDATE shop.users AS u SET score = m.org_id FROM shop.members AS m WHERE m.user_id = u.id AND u.score IS DISTINCT FROM m.org_id;
