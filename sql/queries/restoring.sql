-- name: select_left
-- What rollbacks of a migration saved and is only in the ledger, the oldest first.
-- Of a table whose own key is not known, columns deleted together do not name a row.
SELECT s.id, s.relation, s.key_names, s.value_names, s.whole_rows, s.has_key,
       s.restored_at IS NULL OR s.conflict IS NOT NULL AS is_open,
       coalesce((SELECT pg_catalog.array_agg(o.value_names[1])
                 FROM pgflight.saved AS o
                 WHERE o.run_id = s.run_id AND o.relation = s.relation
                   AND o.is_kept AND NOT o.whole_rows), '{}') AS lost_together
FROM pgflight.saved AS s
WHERE s.version = %(version)s
  AND s.is_kept
  AND (s.restored_at IS NULL OR %(with_conflicts)s AND EXISTS (
    SELECT FROM pgflight.saved_row AS r
    WHERE r.saved_id = s.id
      AND NOT r.restored
      AND coalesce(r.conflict, s.conflict) IS NOT NULL))
ORDER BY s.id;

-- name: close_set
UPDATE pgflight.saved
SET restored_at = pg_catalog.clock_timestamp(),
    restored_by = %(run_id)s,
    conflict = %(conflict)s
WHERE id = %(id)s;

-- name: count_conflicts
-- By reason, with the first few keys. A conflict of the whole set counts for each row.
SELECT coalesce(s.conflict, r.conflict) AS reason,
       count(*) AS rows,
       (pg_catalog.array_agg(pg_catalog.array_to_string(r.key_texts, ', ', 'NULL')
                             ORDER BY r.ctid))[1:5] AS first_keys
FROM pgflight.saved AS s
JOIN pgflight.saved_row AS r ON r.saved_id = s.id
WHERE s.id = %(id)s
  AND NOT r.restored
  AND coalesce(s.conflict, r.conflict) IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1;

-- name: count_left
SELECT count(*) AS rows
FROM pgflight.saved AS s
JOIN pgflight.saved_row AS r ON r.saved_id = s.id
WHERE s.id = %(id)s
  AND NOT r.restored
  AND (s.restored_at IS NULL OR coalesce(r.conflict, s.conflict) IS NOT NULL);

-- name: count_restored
SELECT count(*) AS rows
FROM pgflight.saved_row
WHERE saved_id = %(id)s
  AND restored;

-- name: select_text_form
SELECT pg_catalog.current_setting('DateStyle') AS "DateStyle",
       pg_catalog.current_setting('IntervalStyle') AS "IntervalStyle",
       pg_catalog.current_setting('extra_float_digits') AS extra_float_digits,
       pg_catalog.current_setting('bytea_output') AS bytea_output,
       pg_catalog.current_setting('row_security') AS row_security;

-- name: set_text_form
SELECT pg_catalog.set_config(key, value, true)
FROM pg_catalog.jsonb_each_text(%(settings)s);

-- name: select_columns_now
-- A type without its length or precision: what would be cut must be refused instead.
SELECT a.attname::text AS name,
       pg_catalog.format_type(a.atttypid, -1) AS type,
       a.attgenerated <> '' AS is_generated
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = %(oid)s::oid
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: select_references
-- Without the parts that a partitioned table at the other end adds.
SELECT n.nspname::text AS schema,
       c.relname::text AS name,
       k.confrelid = k.conrelid AS is_own,
       (SELECT pg_catalog.array_agg(a.attname::text ORDER BY u.place)
        FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
        JOIN pg_catalog.pg_attribute AS a
          ON a.attrelid = k.conrelid AND a.attnum = u.attnum) AS columns,
       (SELECT pg_catalog.array_agg(a.attname::text ORDER BY u.place)
        FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u (attnum, place)
        JOIN pg_catalog.pg_attribute AS a
          ON a.attrelid = k.confrelid AND a.attnum = u.attnum) AS referenced
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype = 'f'
  AND k.conrelid = %(oid)s::oid
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint AS p
    WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid);

-- name: has_deferrable_unique
-- ON CONFLICT cannot be used on such a table.
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_index
  WHERE indrelid = %(oid)s::oid AND NOT indimmediate) AS found;

-- name: advance_sequences
-- Past the largest value of each serial and identity column; never back.
SELECT pg_catalog.setval(q.sequence, q.largest, true)
FROM (
  SELECT q.seqrelid::regclass AS sequence,
         {largest} AS largest,
         q.seqincrement,
         coalesce(pg_catalog.pg_sequence_last_value(q.seqrelid), q.seqstart - q.seqincrement) AS last
  FROM pg_catalog.pg_sequence AS q
  WHERE q.seqrelid = pg_catalog.pg_get_serial_sequence({table}, {column})::regclass::oid
) AS q
WHERE (q.seqincrement > 0 AND q.largest > q.last)
   OR (q.seqincrement < 0 AND q.largest < q.last);

-- name: restore_column
-- In one statement, because everybody may be waiting; only rows that differ are written.
-- Written by key and not by place: a row that somebody has changed just now is looked at
-- again.
WITH saved AS (
  SELECT s.ctid AS place, s.value_texts[1] AS text, {value} AS value, {key_values}
  FROM pgflight.saved_row AS s
  WHERE {pending}
),
judged AS (
  SELECT s.*,
         CASE WHEN t.ctid IS NULL THEN 'the row is gone'
              WHEN t.{column}::text = s.text THEN 'same'
              {conflicts}
              ELSE 'restore' END AS verdict
  FROM saved AS s
  LEFT JOIN {table} AS t ON {same_key}
),
written AS (
  UPDATE {table} AS t
  SET {column} = s.value
  FROM judged AS s
  WHERE s.verdict = 'restore' AND {same_key} AND {unwritten}
  RETURNING s.place
),
{ending};

-- name: restore_column_without_key
-- Rows that are alike in all other columns may have each other's values.
WITH saved AS (
  SELECT s.ctid AS place, s.value_texts[1] AS text, {value} AS value,
         ARRAY[{other_texts}]::text[] AS likeness,
         pg_catalog.row_number() OVER (PARTITION BY ARRAY[{other_texts}]::text[]) AS number
  FROM pgflight.saved_row AS s
  WHERE {pending}
),
present AS (
  SELECT t.*, t.ctid AS pgflight_place, t.tableoid AS pgflight_table,
         ARRAY[{others}]::text[] AS pgflight_likeness,
         pg_catalog.row_number() OVER (PARTITION BY ARRAY[{others}]::text[]) AS pgflight_number
  FROM {table} AS t
  WHERE {unwritten}
),
judged AS (
  SELECT s.*, t.pgflight_place, t.pgflight_table,
         CASE WHEN t.pgflight_place IS NULL THEN {no_row}
              WHEN t.{column}::text = s.text THEN 'same'
              {conflicts}
              ELSE 'restore' END AS verdict
  FROM saved AS s
  LEFT JOIN present AS t ON t.pgflight_likeness = s.likeness AND t.pgflight_number = s.number
),
written AS (
  UPDATE {table} AS t
  SET {column} = s.value
  FROM judged AS s
  WHERE s.verdict = 'restore' AND t.ctid = s.pgflight_place AND t.tableoid = s.pgflight_table
  RETURNING s.place
),
{ending};

-- name: restore_rows
WITH saved AS (
  SELECT s.ctid AS place, ARRAY[{texts}]::text[] AS texts, {values}, {key_values}
  FROM pgflight.saved_row AS s
  WHERE {pending}
),
judged AS (
  SELECT s.*,
         CASE WHEN t.ctid IS NULL THEN CASE {conflicts} ELSE 'restore' END
              WHEN ARRAY[{columns_as_text}]::text[] OPERATOR(pg_catalog.=) s.texts THEN 'same'
              ELSE 'another row has its key now' END AS verdict
  FROM saved AS s
  LEFT JOIN {table} AS t ON {same_key}
),
added AS (
  INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
  SELECT {value_names} FROM judged AS s WHERE s.verdict = 'restore' ORDER BY s.place
  {on_conflict}
  RETURNING {returned}
),
written AS (
  SELECT s.place FROM judged AS s JOIN added AS t ON {same_added} WHERE s.verdict = 'restore'
),
{ending};

-- name: restore_rows_without_key
-- Of rows that are alike, those that are there already are not put there once more.
WITH saved AS (
  SELECT s.ctid AS place, ARRAY[{texts}]::text[] AS texts, {values},
         pg_catalog.row_number() OVER (PARTITION BY ARRAY[{texts}]::text[]) AS number
  FROM pgflight.saved_row AS s
  WHERE {pending}
),
present AS (
  SELECT ARRAY[{columns_as_text}]::text[] AS texts, count(*) AS rows
  FROM {table} AS t
  GROUP BY 1
),
judged AS (
  SELECT s.*,
         CASE WHEN s.number <= t.rows THEN 'same' {conflicts} ELSE 'restore' END AS verdict
  FROM saved AS s
  LEFT JOIN present AS t ON t.texts = s.texts
),
added AS (
  INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
  SELECT {value_names} FROM judged AS s WHERE s.verdict = 'restore' ORDER BY s.place
),
written AS (
  SELECT s.place FROM judged AS s WHERE s.verdict = 'restore'
),
{ending};

-- name: ending_of_a_set
-- What is put back needs no entry of its own: the whole set is done with this.
noted AS (
  UPDATE pgflight.saved_row AS r
  SET conflict = CASE j.verdict WHEN 'restore' THEN {missed} ELSE j.verdict END
  FROM judged AS j
  LEFT JOIN written AS w ON w.place = j.place
  WHERE r.ctid = j.place
    AND j.verdict <> 'same'
    AND w.place IS NULL
)
SELECT count(*) AS rows FROM written;

-- name: ending_of_a_batch
done AS (
  SELECT j.place, j.verdict, w.place IS NOT NULL OR j.verdict = 'same' AS is_restored
  FROM judged AS j
  LEFT JOIN written AS w ON w.place = j.place
)
UPDATE pgflight.saved_row AS r
SET restored = d.is_restored,
    conflict = CASE WHEN d.is_restored THEN NULL
                    WHEN d.verdict = 'restore' THEN {missed}
                    ELSE d.verdict END
FROM done AS d
WHERE r.ctid = d.place;

-- name: select_pending_places
-- Each with the place behind it.
SELECT s.ctid::text AS place,
       pg_catalog.format('(%s,%s)', split.parts[1], split.parts[2]::int + 1) AS next
FROM pgflight.saved_row AS s
CROSS JOIN LATERAL (
  SELECT pg_catalog.regexp_match(s.ctid::text, '(\d+),(\d+)') AS parts
) AS split
WHERE {pending}
ORDER BY s.ctid;

-- name: refuse_rows
UPDATE pgflight.saved_row AS s
SET conflict = {conflict}
WHERE {pending};
