-- One value that changes with any change to any user.
SELECT md5(string_agg(md5(u::text), '' ORDER BY u.id)) FROM platform.users AS u;
