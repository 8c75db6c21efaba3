CREATE TABLE corpus.x (a int PRIMARY KEY, b text);
ALTER TABLE corpus.x OWNER TO platform_owner;
