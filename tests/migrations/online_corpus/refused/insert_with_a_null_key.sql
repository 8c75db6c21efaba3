-- reason: it could add the rows once more
-- write: values for those of a unique key
INSERT INTO shop.audit (id, what) VALUES (1, 'migrated'), (NULL, 'x') ON CONFLICT (id) DO NOTHING;
