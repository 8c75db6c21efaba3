CREATE TEXT SEARCH CONFIGURATION corpus.c (COPY = pg_catalog.english);
