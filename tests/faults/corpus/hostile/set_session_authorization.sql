SET SESSION AUTHORIZATION platform_app;
CREATE TABLE corpus.x (a int);
