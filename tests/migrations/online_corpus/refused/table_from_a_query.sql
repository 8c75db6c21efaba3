-- reason: it may read many rows in one go
-- write: CREATE TABLE and fill it
CREATE TABLE shop.copies AS SELECT * FROM shop.orders;
