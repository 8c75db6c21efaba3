-- reason: it could add the rows once more
-- write: Name the columns
INSERT INTO shop.audit VALUES (1, 'migrated') ON CONFLICT (id) DO NOTHING;
