ALTER TABLE shop.members DROP CONSTRAINT members_org_id_fkey;
