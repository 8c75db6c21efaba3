-- reason: gen_random_uuid() may be volatile: as a default it rewrites the table
-- write: ALTER COLUMN … SET DEFAULT
ALTER TABLE shop.users ADD COLUMN token uuid DEFAULT gen_random_uuid();
