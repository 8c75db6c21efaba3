-- reason: a new type rewrites the table
-- write: Add a column of the new type
ALTER TABLE shop.users ALTER COLUMN score TYPE bigint;
