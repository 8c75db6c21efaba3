ALTER TABLE shop.users ADD COLUMN org_id int REFERENCES shop.organizations (id) ON DELETE SET NULL, ADD COLUMN first_role text;
CREATE INDEX users_org ON shop.users (org_id);
CREATE INDEX users_first_role ON shop.users (first_role);
UPDATE shop.users AS u SET org_id = first.org_id FROM (SELECT DISTINCT ON (user_id) * FROM shop.members ORDER BY user_id, joined_at, org_id) AS first WHERE first.user_id = u.id AND u.org_id IS NULL;
CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
UPDATE shop.users SET first_role = coalesce((SELECT m.role FROM shop.members m WHERE m.user_id = users.id ORDER BY joined_at, m.org_id LIMIT 1), 'none') WHERE first_role IS NULL;
COMMENT ON INDEX shop.users_org IS 'By organization';
