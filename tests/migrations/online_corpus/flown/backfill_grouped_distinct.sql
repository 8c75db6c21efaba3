ALTER TABLE shop.users ADD COLUMN spent numeric DEFAULT 0;
UPDATE shop.users AS u SET spent = sums.total
FROM (SELECT o.user_id, sum(o.amount) AS total FROM shop.orders AS o GROUP BY o.user_id HAVING count(*) > 1) AS sums
WHERE sums.user_id = u.id AND u.spent IS DISTINCT FROM sums.total;
