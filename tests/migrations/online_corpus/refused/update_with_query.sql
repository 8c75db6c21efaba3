-- reason: each batch would run its WITH queries in full
-- write: correlated subquery
WITH best AS (SELECT user_id, max(amount) AS amount FROM shop.orders GROUP BY user_id)
UPDATE shop.users AS u SET score = best.amount FROM best WHERE best.user_id = u.id AND u.score IS NULL;
