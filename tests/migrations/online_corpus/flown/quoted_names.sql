CREATE TABLE shop."Odd ""Table""" ("select" int, "a.b" text);
ALTER TABLE shop.users ADD COLUMN "Full Name" text;
UPDATE shop.users AS "U" SET "Full Name" = "U".name WHERE "U"."Full Name" IS NULL;
ALTER TABLE shop.users ADD CONSTRAINT "Is % Good" CHECK ("Full Name" <> '%s');
CREATE INDEX "By Full Name" ON shop.users ("Full Name");
