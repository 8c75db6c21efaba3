ALTER TABLE shop.visits ADD COLUMN seconds int;
UPDATE shop.visits SET seconds = id * 2 WHERE seconds IS NULL;
UPDATE shop.visits SET page = 'none' WHERE page IS NULL;
ALTER TABLE shop.visits ALTER COLUMN seconds SET NOT NULL;
ALTER TABLE shop.visits ADD CONSTRAINT visits_page CHECK (page <> '');
CREATE TABLE shop.visits_3 PARTITION OF shop.visits FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
