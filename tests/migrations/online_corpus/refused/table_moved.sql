-- reason: rewrites or scans the table under a lock
-- write: transactional strategy
ALTER TABLE shop.orders SET UNLOGGED;
