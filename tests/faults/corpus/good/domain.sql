CREATE DOMAIN corpus.email AS text CHECK (VALUE ~ '^[^@]+@[^@]+$');
ALTER DOMAIN corpus.email SET NOT NULL;
