SET LOCAL search_path = corpus;
CREATE TABLE x (a int);
