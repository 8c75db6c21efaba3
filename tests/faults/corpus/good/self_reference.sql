ALTER TABLE corpus.t ADD COLUMN parent int REFERENCES corpus.t;
