-- reason: bigserial rewrites the table
-- write: SET DEFAULT
ALTER TABLE shop.users ADD COLUMN number bigserial;
