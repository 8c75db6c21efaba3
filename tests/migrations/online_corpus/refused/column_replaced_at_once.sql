ALTER TABLE shop.users DROP COLUMN IF EXISTS nickname, ADD COLUMN nickname varchar(20);
