-- reason: would be missing until its index is built
-- write: statement of its own first
ALTER TABLE shop.members DROP CONSTRAINT members_pkey, ADD CONSTRAINT members_key UNIQUE (user_id, org_id);
