-- reason: hand out numbers that are taken
-- write: Leave out RESTART
ALTER TABLE shop.audit ALTER COLUMN id RESTART WITH 1;
