DROP INDEX shop.users_created, shop.orders_user;
ALTER INDEX shop.users_name RENAME TO users_by_name;
DROP INDEX IF EXISTS shop.never_there;
