CREATE SEQUENCE corpus.s INCREMENT 5 CACHE 10;
ALTER SEQUENCE corpus.s OWNED BY corpus.t.id;
SELECT setval('corpus.s', 100), nextval('corpus.s');
