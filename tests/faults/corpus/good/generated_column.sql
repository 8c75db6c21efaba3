ALTER TABLE corpus.t ADD COLUMN upper_a text GENERATED ALWAYS AS (upper(a)) STORED;
