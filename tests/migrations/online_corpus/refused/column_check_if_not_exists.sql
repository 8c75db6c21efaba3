-- reason: a constraint within ADD COLUMN would be checked under a lock
-- write: ADD CONSTRAINT of its own
ALTER TABLE shop.users ADD COLUMN IF NOT EXISTS age int CHECK (age > 0);
