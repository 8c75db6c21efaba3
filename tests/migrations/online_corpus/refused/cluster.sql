-- reason: rewrites the table under a lock
-- write: a job of your own
CLUSTER shop.users USING users_name;
