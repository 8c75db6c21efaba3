-- reason: it cannot be made to run twice
-- write: under the new name
ALTER FUNCTION shop.stamp() RENAME TO mark;
