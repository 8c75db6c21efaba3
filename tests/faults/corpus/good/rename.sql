ALTER TABLE corpus.t RENAME COLUMN a TO label;
ALTER TABLE corpus.t RENAME TO things;
