-- reason: it cannot be undone
-- write: a job of your own
TRUNCATE shop.audit;
