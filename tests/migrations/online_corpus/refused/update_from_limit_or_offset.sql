-- reason: computed in full for every batch: LIMIT or OFFSET
-- write: correlated subquery
UPDATE shop.users AS u SET score = s.n FROM (SELECT user_id, org_id AS n FROM shop.members LIMIT 10) AS s WHERE s.user_id = u.id AND u.score IS NULL;
