-- reason: a stored generated column rewrites the table
-- write: UPDATE … WHERE it IS NULL
ALTER TABLE shop.users ADD COLUMN folded text GENERATED ALWAYS AS (lower(email)) STORED;
