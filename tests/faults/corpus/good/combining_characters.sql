COMMENT ON TABLE corpus.t IS 'é ​ ‮';
