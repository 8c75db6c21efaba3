-- reason: it could add the rows once more
-- write: unique key
INSERT INTO shop.audit (id, what) VALUES (1, 'migrated') ON CONFLICT (id) WHERE what > 'x' DO NOTHING;
