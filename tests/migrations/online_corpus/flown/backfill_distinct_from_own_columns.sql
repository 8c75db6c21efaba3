UPDATE shop.users SET email = lower(concat(name, '@x%y')) WHERE email IS DISTINCT FROM lower(concat(name, '@x%y')) AND id % 2 = 0;
UPDATE shop.users SET nickname = name, score = 1 WHERE nickname IS DISTINCT FROM name;
