-- reason: its rows cannot be brought back step by step
-- write: a job of your own
DELETE FROM shop.audit WHERE id < 5;
