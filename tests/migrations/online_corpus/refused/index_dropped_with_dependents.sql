-- reason: has no CASCADE
-- write: Drop the constraint
DROP INDEX shop.users_name CASCADE;
