SET ROLE platform_app;
CREATE TABLE corpus.x (a int);
