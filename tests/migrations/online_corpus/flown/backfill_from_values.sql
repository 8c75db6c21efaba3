ALTER TABLE shop.organizations ADD COLUMN rank int;
UPDATE shop.organizations AS o SET rank = v.rank FROM (VALUES (1, 10), (2, 20), (77, 0)) AS v (id, rank) WHERE v.id = o.id AND o.rank IS NULL;
