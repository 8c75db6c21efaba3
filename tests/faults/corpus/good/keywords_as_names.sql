CREATE TABLE corpus."user" ("order" int, "select" int, "table" text);
