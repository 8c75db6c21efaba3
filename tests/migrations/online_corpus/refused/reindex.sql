-- reason: it blocks writes to the table
-- write: a job of your own
REINDEX TABLE shop.users;
