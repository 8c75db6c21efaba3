-- reason: it could add the rows once more
-- write: values for those of a unique key
INSERT INTO shop.audit (id, what) VALUES (DEFAULT, 'migrated') ON CONFLICT (id) DO NOTHING;
