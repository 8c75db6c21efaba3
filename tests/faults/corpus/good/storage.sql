ALTER TABLE corpus.t SET (autovacuum_vacuum_scale_factor = 0.01), ALTER COLUMN a SET STORAGE EXTERNAL;
