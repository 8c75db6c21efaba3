ALTER TABLE shop.members ALTER COLUMN joined_at SET NOT NULL, ALTER COLUMN user_id SET NOT NULL;
UPDATE shop.members SET role = 'member' WHERE role IS NULL;
ALTER TABLE shop.members ALTER COLUMN role SET NOT NULL;
