CREATE TABLE corpus."COMMIT;" ("BEGIN" int, "rollback" int);
