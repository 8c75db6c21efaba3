CREATE TABLE corpus.x (a int);
COMMIT PREPARED 'hostile';
