-- reason: a column of a domain rewrites the table
-- write: ADD CONSTRAINT
CREATE DOMAIN shop.mail AS text CHECK (VALUE LIKE '%@%');
ALTER TABLE shop.users ADD COLUMN second_mail shop.mail;
