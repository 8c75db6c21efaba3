-- reason: cannot be made to run twice
-- write: transactional strategy
ALTER TABLE shop.orders DETACH PARTITION shop.orders_old;
