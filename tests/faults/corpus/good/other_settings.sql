SET LOCAL work_mem = '64MB';
SET LOCAL check_function_bodies = off;
SELECT set_config('app.user', '1', true);
CREATE TABLE corpus.x (a int PRIMARY KEY, b text);
