-- reason: cannot be made to run twice
-- write: transactional strategy
ALTER TABLE shop.orders NO INHERIT shop.audit;
