-- reason: the number of rows is not known beforehand
-- write: Write VALUES
INSERT INTO shop.audit (what) SELECT name FROM shop.users;
