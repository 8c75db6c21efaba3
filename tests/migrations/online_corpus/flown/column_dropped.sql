ALTER TABLE shop.users DROP COLUMN nickname, DROP COLUMN IF EXISTS never_there;
