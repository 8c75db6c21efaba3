CREATE TABLE corpus.x (during tstzrange, EXCLUDE USING gist (during WITH &&));
