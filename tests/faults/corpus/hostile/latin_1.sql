COMMENT ON SCHEMA corpus IS 'café';
