-- reason: it computes the whole view in one go
-- write: a job of your own
REFRESH MATERIALIZED VIEW shop.totals;
