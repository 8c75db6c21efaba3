-- reason: the lock would protect nothing
-- write: Leave it out
LOCK TABLE shop.users IN SHARE MODE;
