CREATE VIEW corpus.v AS SELECT ((((((((((((((((((((1)))))))))))))))))))) AS a;
