-- reason: computed in full for every batch: a window function
-- write: correlated subquery
UPDATE shop.users AS u SET score = s.n FROM (SELECT user_id, sum(org_id) OVER (ORDER BY org_id) AS n FROM shop.members) AS s WHERE s.user_id = u.id AND u.score IS NULL;
