-- reason: it cannot be made to run twice
-- write: Add the new value
ALTER TYPE shop.state RENAME VALUE 'new' TO 'fresh';
