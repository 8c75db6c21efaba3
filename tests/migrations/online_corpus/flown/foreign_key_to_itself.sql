ALTER TABLE shop.users ADD COLUMN invited_by int;
ALTER TABLE shop.users ADD CONSTRAINT users_inviter FOREIGN KEY (invited_by) REFERENCES shop.users (id) ON DELETE SET NULL;
