CREATE TABLE corpus.x (a int);
\i other.sql
