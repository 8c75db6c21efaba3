-- reason: computed in full for every batch: a set operation
-- write: correlated subquery
UPDATE shop.users AS u SET score = s.n FROM (SELECT user_id, org_id AS n FROM shop.members UNION ALL SELECT id, 1 FROM shop.orders) AS s WHERE s.user_id = u.id AND u.score IS NULL;
