-- reason: the index has no name
-- write: Name the index
CREATE INDEX ON shop.users (score);
