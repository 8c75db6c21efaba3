-- reason: it would drop the new column
-- write: DROP COLUMN as a statement of its own
ALTER TABLE shop.users DROP COLUMN IF EXISTS nickname, ADD COLUMN nickname varchar(20);
