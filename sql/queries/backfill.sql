-- name: count_backfill
-- The first of the four names stands for the migration's own SELECT of key and right
-- value. No braces in comments: what replaces them may have several lines.
-- One join and one aggregate: it runs while the table is locked. ctid and tableoid
-- name a row, also where the key is not unique or the table has partitions.
WITH valid (key, value) AS (
  {valid}
),
judged AS (
  SELECT t.{column} AS value,
         count(v.value) > 0 AS is_expected,
         count(*) FILTER (WHERE v.value = t.{column}) > 0 AS is_right
  FROM {table} AS t
  LEFT JOIN valid AS v ON v.key = t.{key}
  GROUP BY t.tableoid, t.ctid, t.{column}
)
SELECT count(*) AS total,
       count(value) AS filled,
       count(*) FILTER (WHERE is_expected) AS expected,
       count(*) FILTER (WHERE is_expected AND value IS NULL) AS missing,
       count(*) FILTER (WHERE value IS NOT NULL AND NOT is_right) AS wrong
FROM judged;

-- name: select_suspects
-- The rows behind "missing" and "wrong".
WITH valid (key, value) AS (
  {valid}
)
SELECT t.{key}::text AS key, t.{column}::text AS value
FROM {table} AS t
LEFT JOIN valid AS v ON v.key = t.{key}
GROUP BY t.tableoid, t.ctid, t.{key}, t.{column}
HAVING CASE WHEN t.{column} IS NULL THEN count(v.value) > 0
            ELSE count(*) FILTER (WHERE v.value = t.{column}) = 0 END
LIMIT %(limit)s;

-- name: count_excused
-- Asked in the snapshot from before the migration: a missing row that did not
-- have to be filled then, and a wrong value that was right then, are the work of
-- other sessions.
WITH valid (key, value) AS (
  {valid}
),
     must_be_filled AS (SELECT DISTINCT key::text AS key FROM valid WHERE value IS NOT NULL),
     right_value AS (SELECT DISTINCT key::text AS key, value::text AS value FROM valid)
SELECT count(*) AS excused
FROM ROWS FROM (
  pg_catalog.unnest(%(keys)s::text[]),
  pg_catalog.unnest(%(values)s::text[])
) AS s (key, value)
LEFT JOIN must_be_filled AS m ON m.key = s.key
LEFT JOIN right_value AS r ON r.key = s.key AND r.value = s.value
WHERE CASE WHEN s.value IS NULL THEN m.key IS NULL ELSE r.key IS NOT NULL END;
