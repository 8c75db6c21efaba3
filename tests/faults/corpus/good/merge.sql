MERGE INTO corpus.t AS t USING corpus.org AS o ON t.id = o.id
WHEN MATCHED AND o.name = 'none' THEN DELETE
WHEN MATCHED THEN UPDATE SET a = o.name
WHEN NOT MATCHED THEN INSERT VALUES (o.id, o.name);
