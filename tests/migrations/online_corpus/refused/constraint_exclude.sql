-- reason: of the kind EXCLUSION is checked under a lock
-- write: Write a CHECK, UNIQUE or FOREIGN KEY
ALTER TABLE shop.users ADD EXCLUDE USING btree (email WITH =);
