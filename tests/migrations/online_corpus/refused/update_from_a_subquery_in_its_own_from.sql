-- reason: computed in full for every batch: a subquery in its own FROM
-- write: correlated subquery
UPDATE shop.users AS u SET score = s.n FROM (SELECT user_id, n FROM (SELECT user_id, org_id AS n FROM shop.members) AS x) AS s WHERE s.user_id = u.id AND u.score IS NULL;
