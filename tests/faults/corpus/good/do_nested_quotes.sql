DO $a$ BEGIN EXECUTE $b$ CREATE TABLE corpus.x (a text DEFAULT $c$;COMMIT;$c$) $b$; END $a$;
