CREATE TYPE shop.mood AS ENUM ('good', 'bad');
CREATE DOMAIN shop.short AS text CHECK (length(VALUE) < 10);
ALTER TABLE shop.users ADD COLUMN mood shop.mood DEFAULT 'good';
CREATE TABLE shop.tags (id int PRIMARY KEY, tag shop.short);
