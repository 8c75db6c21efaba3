ALTER TABLE shop.users ADD COLUMN org_id int REFERENCES shop.organizations (id) ON DELETE SET NULL;
UPDATE shop.users AS u SET org_id = (SELECT min(m.org_id) FROM shop.members AS m WHERE m.user_id = u.id) WHERE u.org_id IS NULL;
