-- reason: no `=` of the WHERE ties its DISTINCT ON or GROUP BY key
-- write: correlated subquery
UPDATE shop.users AS u SET score = s.n FROM (SELECT role, count(*) AS n FROM shop.members GROUP BY role) AS s WHERE s.n = u.id AND u.score IS NULL;
