-- reason: it cannot be made to run twice
-- write: statements of their own
CREATE SCHEMA lab CREATE TABLE results (id int);
