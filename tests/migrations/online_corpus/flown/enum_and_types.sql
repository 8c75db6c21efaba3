CREATE TYPE shop.colour AS ENUM ('red', 'green');
CREATE TYPE shop.pair AS (a int, b text);
CREATE TYPE shop.span AS RANGE (subtype = int4);
CREATE DOMAIN shop.percent AS int CHECK (VALUE BETWEEN 0 AND 100);
ALTER TYPE shop.state ADD VALUE 'returned' AFTER 'sent';
COMMENT ON TYPE shop.colour IS 'A colour';
COMMENT ON DOMAIN shop.percent IS '0 to 100 %';
