CREATE TYPE corpus.mood AS ENUM ('sad', 'ok');
ALTER TYPE corpus.mood ADD VALUE 'happy' AFTER 'ok';
ALTER TYPE corpus.mood RENAME VALUE 'ok' TO 'fine';
