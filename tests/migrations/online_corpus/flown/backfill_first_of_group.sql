ALTER TABLE shop.users ADD COLUMN active_org_id int;
UPDATE shop.users AS u SET active_org_id = joined_first.org_id
FROM (SELECT DISTINCT ON (user_id) user_id, org_id FROM shop.members ORDER BY user_id, joined_at, org_id) AS joined_first
WHERE u.id = joined_first.user_id AND u.active_org_id IS NULL;
