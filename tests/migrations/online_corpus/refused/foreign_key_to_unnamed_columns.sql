-- reason: does not name the columns that it refers to
-- write: REFERENCES table (column)
ALTER TABLE shop.users ADD COLUMN org_id int;
ALTER TABLE shop.users ADD FOREIGN KEY (org_id) REFERENCES shop.organizations ON DELETE SET NULL;
