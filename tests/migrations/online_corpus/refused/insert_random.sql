-- reason: gen_random_uuid() may be volatile
-- write: Write constants
INSERT INTO shop.plans (id, name) VALUES (1, gen_random_uuid()) ON CONFLICT (id) DO NOTHING;
