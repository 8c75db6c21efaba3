DROP TABLE IF EXISTS shop.audit;
CREATE TABLE shop.audit (id bigint PRIMARY KEY, body jsonb);
