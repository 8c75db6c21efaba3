ALTER TABLE shop.users ADD COLUMN org_id int REFERENCES shop.organizations;
UPDATE shop.users AS u SET org_id = (SELECT min(m.org_id) FROM shop.members AS m WHERE m.user_id = u.id) WHERE u.org_id IS NULL;
CREATE INDEX users_org ON shop.users (org_id);
