ALTER TABLE corpus.t ADD COLUMN note text;
UPDATE corpus.t SET note = a WHERE note IS NULL;
