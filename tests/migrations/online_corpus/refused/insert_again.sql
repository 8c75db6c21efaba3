-- reason: it could add the rows once more
-- write: ON CONFLICT (key columns) DO NOTHING
INSERT INTO shop.audit (what) VALUES ('migrated');
