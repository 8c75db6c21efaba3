-- reason: an identity column rewrites the table
-- write: UPDATE … WHERE it IS NULL
ALTER TABLE shop.users ADD COLUMN number int GENERATED ALWAYS AS IDENTITY;
