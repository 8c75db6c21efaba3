-- reason: a temporary table is gone when the next step runs
-- write: drop it at the end
CREATE TEMP TABLE chosen (id int);
