ALTER TABLE shop.users ADD COLUMN orgs int, ADD COLUMN since timestamptz;
UPDATE shop.users AS u SET orgs = coalesce(m.orgs, 0), since = m.first
FROM shop.orders AS o
LEFT JOIN (SELECT user_id, count(*) AS orgs, min(joined_at) AS first FROM shop.members GROUP BY 1) AS m ON m.user_id = o.user_id
WHERE o.user_id = u.id AND m.user_id = u.id AND u.orgs IS NULL;
