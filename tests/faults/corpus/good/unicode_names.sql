CREATE TABLE corpus."größe" ("名前" text, "ключ" int);
COMMENT ON TABLE corpus."größe" IS 'Größe – 大きさ 🐘';
