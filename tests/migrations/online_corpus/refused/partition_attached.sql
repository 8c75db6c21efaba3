-- reason: ATTACH PARTITION scans the partition under its lock
-- write: transactional strategy
ALTER TABLE shop.orders ATTACH PARTITION shop.orders_old FOR VALUES FROM (1) TO (100);
