ALTER TABLE shop.members DROP CONSTRAINT members_pkey;
ALTER TABLE shop.members ADD CONSTRAINT members_pk PRIMARY KEY (org_id, user_id);
