SELECT set_config('statement_timeout', '0', false);
CREATE TABLE corpus.x (a int);
