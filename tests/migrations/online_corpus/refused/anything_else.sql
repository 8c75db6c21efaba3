-- reason: how long it keeps others waiting is not known
-- write: transactional strategy
ALTER TABLE shop.audit SET SCHEMA public;
