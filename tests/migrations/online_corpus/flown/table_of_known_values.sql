CREATE TABLE shop.plans (name text PRIMARY KEY, price int NOT NULL);
INSERT INTO shop.plans (name, price) VALUES ('free', 0), ('100% pro', 10) ON CONFLICT (name) DO NOTHING;
INSERT INTO shop.organizations (id, name, plan, founded) VALUES (9, 'New', 'free', '2024-01-01'), (1, 'Old', 'free', '2024-01-01') ON CONFLICT (id) DO NOTHING;
