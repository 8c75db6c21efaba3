-- name: count_backfill
-- {valid} is the migration's own SELECT of key and right value.
WITH valid (key, value) AS ({valid}),
     must_be_filled AS (SELECT DISTINCT key FROM valid),
     right_value AS (SELECT DISTINCT key, value FROM valid)
SELECT count(*) AS total,
       count(t.{column}) AS filled,
       count(m.key) AS expected,
       count(*) FILTER (WHERE m.key IS NOT NULL AND t.{column} IS NULL) AS missing,
       count(*) FILTER (WHERE t.{column} IS NOT NULL AND r.key IS NULL) AS wrong
FROM {table} AS t
LEFT JOIN must_be_filled AS m ON m.key = t.{key}
LEFT JOIN right_value AS r ON r.key = t.{key} AND r.value = t.{column};

-- name: select_suspects
-- The rows behind "missing" and "wrong".
WITH valid (key, value) AS ({valid}),
     must_be_filled AS (SELECT DISTINCT key FROM valid),
     right_value AS (SELECT DISTINCT key, value FROM valid)
SELECT t.{key}::text AS key, t.{column}::text AS value
FROM {table} AS t
LEFT JOIN must_be_filled AS m ON m.key = t.{key}
LEFT JOIN right_value AS r ON r.key = t.{key} AND r.value = t.{column}
WHERE (m.key IS NOT NULL AND t.{column} IS NULL)
   OR (t.{column} IS NOT NULL AND r.key IS NULL)
LIMIT %(limit)s;

-- name: count_excused
-- Asked in the snapshot from before the migration: a missing row that did not
-- have to be filled then, and a wrong value that was right then, are the work of
-- other sessions.
WITH valid (key, value) AS ({valid}),
     must_be_filled AS (SELECT DISTINCT key::text AS key FROM valid),
     right_value AS (SELECT DISTINCT key::text AS key, value::text AS value FROM valid)
SELECT count(*) AS excused
FROM ROWS FROM (
  pg_catalog.unnest(%(keys)s::text[]),
  pg_catalog.unnest(%(values)s::text[])
) AS s (key, value)
LEFT JOIN must_be_filled AS m ON m.key = s.key
LEFT JOIN right_value AS r ON r.key = s.key AND r.value = s.value
WHERE CASE WHEN s.value IS NULL THEN m.key IS NULL ELSE r.key IS NOT NULL END;
