-- reason: a side effect that is not known
-- write: Leave it out
SELECT setval('shop.tickets', 100);
