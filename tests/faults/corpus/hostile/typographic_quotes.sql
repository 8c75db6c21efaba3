SELECT ‘a’::int;
