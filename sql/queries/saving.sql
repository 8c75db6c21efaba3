-- name: select_row_shape
-- The primary key of a table, its other columns, and their types. What the key merely
-- INCLUDEs names no row, and what is generated is nobody's to write. A value is steady where
-- one that is equal to it has the same text: 1.0 and 1.00 do not.
SELECT a.attname::text AS name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       coalesce(a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]), false) AS is_key,
       a.attgenerated <> '' AS is_generated,
       a.atttypid = ANY ('{smallint,integer,bigint,uuid,text,varchar,date,timestamp,timestamptz}'::regtype[]::oid[])
         AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_collation AS l
           WHERE l.oid = a.attcollation AND NOT l.collisdeterministic) AS is_steady,
       (a.atthasdef OR a.atthasmissing) AND a.attgenerated = '' AS has_default
FROM pg_catalog.pg_attribute AS a
LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = %(oid)s::oid
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: select_parts
-- A table and all its partitions. Nothing is locked by this: a weak lock that has to be
-- raised later can deadlock.
WITH RECURSIVE part (oid) AS (
  SELECT %(oid)s::oid
  UNION
  SELECT i.inhrelid
  FROM pg_catalog.pg_inherits AS i
  JOIN part AS p ON p.oid = i.inhparent
  JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relispartition
)
SELECT pg_catalog.array_agg(oid) AS parts
FROM part;

-- name: pin_text_form
-- So that every value's text reads back exactly, whatever the role's own settings
-- are, and so that a policy makes the copy fail rather than leave out rows. A table that is
-- a value is written without its schema where the search_path has that: a script's own
-- must not read another one from it.
SELECT pg_catalog.set_config('DateStyle', 'ISO', true),
       pg_catalog.set_config('IntervalStyle', 'postgres', true),
       pg_catalog.set_config('extra_float_digits', '1', true),
       pg_catalog.set_config('bytea_output', 'hex', true),
       pg_catalog.set_config('row_security', 'off', true),
       pg_catalog.set_config('search_path', reset_val, true)
FROM pg_catalog.pg_settings
WHERE name = 'search_path';

-- name: forget_unkept
-- Copies of a rollback that did not get to its COMMIT.
DELETE FROM pgflight.saved WHERE version = %(version)s AND NOT is_kept;

-- name: select_horizon
-- Every transaction before this one is over, and visible to the statements that follow.
SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text AS horizon;

-- name: insert_saved
INSERT INTO pgflight.saved
  (run_id, version, relation, key_names, key_types, value_names, value_types, row_count,
   whole_rows, has_key)
VALUES
  (%(run_id)s, %(version)s, %(relation)s, %(key_names)s, %(key_types)s, %(value_names)s, %(value_types)s, 0,
   %(whole_rows)s, %(has_key)s)
RETURNING id;

-- name: copy_rows
INSERT INTO pgflight.saved_row (saved_id, key_texts, value_texts)
SELECT {saved_id}, ARRAY[{keys}]::text[], ARRAY[{values}]::text[]
FROM {own_rows}
WHERE {filled};

-- name: expect_few_changes
-- The planner takes a third of the rows for changed, and would read all that was copied.
SELECT pg_catalog.set_config('enable_hashjoin', 'off', true),
       pg_catalog.set_config('enable_mergejoin', 'off', true);

-- name: expect_many_changes
SELECT pg_catalog.set_config('enable_hashjoin', 'on', true),
       pg_catalog.set_config('enable_mergejoin', 'on', true);

-- name: copy_changed_rows
-- In place of those of the copied rows that were written since. A row's xmin tells: it
-- is at or after the horizon. (A frozen row's may look younger than it is: copied twice,
-- then.) One scan, because everybody waits. Without a primary key nothing tells a row
-- from another one like it: there this says only whether there is a change.
WITH changed AS MATERIALIZED (
  SELECT ARRAY[{keys}]::text[] AS key_texts,
         ARRAY[{values}]::text[] AS value_texts,
         {filled} AS is_filled,
         {key_values}
  FROM {own_rows}
  WHERE pg_catalog.age(xmin) <= pg_catalog.age(pg_catalog.xid({horizon}::xid8))
),
forgotten AS (
  DELETE FROM pgflight.saved_row AS s
  USING changed AS c
  WHERE s.saved_id = {saved_id}
    AND {same_row}
  RETURNING 1
),
added AS (
  INSERT INTO pgflight.saved_row (saved_id, key_texts, value_texts)
  SELECT {saved_id}, c.key_texts, c.value_texts
  FROM changed AS c
  WHERE c.is_filled
  RETURNING 1
)
SELECT (SELECT count(*) FROM added) - (SELECT count(*) FROM forgotten) AS more,
       EXISTS (SELECT FROM changed) AS changed;

-- name: is_same_by_text
pg_catalog.hash_array_extended(s.key_texts, 0) = pg_catalog.hash_array_extended(c.key_texts, 0)
AND s.key_texts OPERATOR(pg_catalog.=) c.key_texts;

-- name: count_rows
SELECT count(*) AS rows
FROM {own_rows}
WHERE {filled};

-- name: forget_copies
DELETE FROM pgflight.saved_row WHERE saved_id = %(saved_id)s;

-- name: forget_deleted
-- Of whole rows: those that were deleted since they were copied, by somebody else.
DELETE FROM pgflight.saved_row AS s
WHERE s.saved_id = {saved_id}
  AND NOT EXISTS (
    SELECT FROM {own_rows} AS t
    WHERE {same_key});

-- name: forget_set
-- Nothing of it was lost.
DELETE FROM pgflight.saved WHERE id = %(saved_id)s;

-- name: resolve_left
-- A table that was there before down.sql, or else what has its name now.
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name,
       c.oid = %(oid)s::oid AS is_same,
       c.relkind = 'p' AS is_partitioned
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid IN (%(oid)s::oid, pg_catalog.to_regclass(%(table)s)::oid)
  AND c.relkind IN ('r', 'p', 'm', 'f')
ORDER BY is_same DESC
LIMIT 1;

-- name: select_column_left
-- A column that was there before down.sql, by the name that it has now.
SELECT a.attname::text AS name
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = %(oid)s::oid
  AND a.attnum = %(number)s
  AND NOT a.attisdropped;

-- name: forget_survivors
-- Of rows: those that are still there after down.sql, and unchanged.
DELETE FROM pgflight.saved_row AS s
WHERE s.saved_id = {saved_id}
  AND {nothing_missing}
  AND EXISTS (
    SELECT FROM {own_rows} AS t
    WHERE {same_key}
      AND ARRAY[{present}]::text[] OPERATOR(pg_catalog.=) ARRAY[{saved_present}]::text[]);

-- name: forget_like_survivors
-- The same without a key: of rows that are like one another, as many as are left.
WITH numbered AS (
  SELECT s.ctid AS place, ARRAY[{saved_present}]::text[] AS likeness,
         pg_catalog.row_number() OVER (PARTITION BY ARRAY[{saved_present}]::text[]) AS number
  FROM pgflight.saved_row AS s
  WHERE s.saved_id = {saved_id}
    AND {nothing_missing}
),
remaining AS (
  SELECT ARRAY[{present}]::text[] AS likeness, count(*) AS rows
  FROM {own_rows} AS t
  GROUP BY 1
)
DELETE FROM pgflight.saved_row AS s
USING numbered AS n, remaining AS r
WHERE s.ctid = n.place
  AND s.saved_id = {saved_id}
  AND r.likeness OPERATOR(pg_catalog.=) n.likeness
  AND n.number <= r.rows;

-- name: note_overwritten
-- What down.sql has left in their place is its users' to delete or to empty.
UPDATE pgflight.saved_row AS s
SET is_overwritten = true
WHERE s.saved_id = {saved_id}
  AND EXISTS (
    SELECT FROM {own_rows} AS t
    WHERE {same_key} AND {has_something});

-- name: keep_saved
UPDATE pgflight.saved
SET run_id = %(run_id)s, row_count = %(rows)s, is_kept = true
WHERE id = %(saved_id)s;

-- name: can_be_taken
-- A rule would make another statement of it, and the search_path that values are written
-- in another table.
SELECT c.relkind IN ('r', 'p') AND NOT c.relhasrules AND c.relpersistence <> 't'
   AND pg_catalog.current_setting('search_path') = s.reset_val AS can
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_settings AS s ON s.name = 'search_path'
WHERE c.oid = %(oid)s::oid;

-- name: take_rows
WITH pgflight_taken AS (
{delete}
RETURNING ARRAY[{keys}]::text[] AS key_texts, ARRAY[{values}]::text[] AS value_texts
)
INSERT INTO pgflight.saved_row (saved_id, key_texts, value_texts)
SELECT {saved_id}, t.key_texts, t.value_texts FROM pgflight_taken AS t;
