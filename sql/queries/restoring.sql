-- name: select_left
-- What rollbacks of a migration saved and is only in the ledger, the oldest first.
-- Of a table whose own key is not known, columns deleted together do not name a row. A
-- horizon means nothing in another cluster, nor when transactions are numbered anew. What
-- was a conflict in a deployment that is not in place any more may be none in the next
-- one, unless a user had written something newer.
SELECT s.id, s.relation, s.key_names, s.value_names, s.value_types, s.whole_rows, s.has_key,
       s.restored_at IS NULL OR s.conflict IS NOT NULL AS is_open,
       %(with_conflicts)s AS is_by_hand,
       CASE WHEN pg_catalog.split_part(s.horizon, ' ', 1) = (SELECT system_identifier::text FROM pg_catalog.pg_control_system())
             AND pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint
                 - nullif(pg_catalog.split_part(s.horizon, ' ', 2), '')::bigint < 2000000000
         THEN pg_catalog.split_part(s.horizon, ' ', 2) END AS horizon,
       coalesce((SELECT pg_catalog.array_agg(o.value_names[1])
                 FROM pgflight.saved AS o
                 WHERE o.run_id = s.run_id AND o.relation = s.relation
                   AND o.is_kept AND NOT o.whole_rows), '{}') AS lost_together
FROM pgflight.saved AS s
WHERE s.version = %(version)s
  AND s.is_kept
  AND (s.restored_at IS NULL
       OR (%(with_conflicts)s OR NOT EXISTS (
            SELECT FROM pgflight.run AS r
            WHERE r.run_id = s.restored_by AND r.state <> 'rolled_back'))
          AND EXISTS (
            SELECT FROM pgflight.saved_row AS r
            WHERE r.saved_id = s.id
              AND NOT r.restored
              AND coalesce(r.conflict, s.conflict) IS NOT NULL
              AND (%(with_conflicts)s OR r.conflict IS DISTINCT FROM %(newer)s)))
ORDER BY s.id;

-- name: close_set
UPDATE pgflight.saved
SET restored_at = pg_catalog.clock_timestamp(),
    restored_by = %(run_id)s,
    conflict = %(conflict)s
WHERE id = %(id)s;

-- name: select_standing
-- Columns of open sets that are there.
SELECT s.id, a.attrelid::bigint AS oid, a.attnum AS number
FROM pgflight.open_column AS s
JOIN pg_catalog.pg_attribute AS a
  ON a.attrelid = pg_catalog.to_regclass(s.relation)::oid AND a.attname = s.value_names[1]
WHERE s.version = %(version)s
  AND NOT a.attisdropped;

-- name: note_horizon
-- In the transaction that has added a column with a default, and has its table locked:
-- whoever wrote to the table before is over. Every row has a value from the beginning,
-- and only its xmin tells whether it may be a user's.
WITH RECURSIVE family (oid) AS (
  SELECT pg_catalog.to_regclass(%(table)s)::oid
  UNION
  SELECT i.inhrelid
  FROM pg_catalog.pg_inherits AS i
  JOIN family AS f ON f.oid = i.inhparent
)
UPDATE pgflight.open_column AS s
SET horizon = pg_catalog.concat_ws(' ', (SELECT system_identifier FROM pg_catalog.pg_control_system()),
                                   pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()))
WHERE s.version = %(version)s
  AND s.value_names[1] = %(column)s
  AND pg_catalog.to_regclass(s.relation)::oid = pg_catalog.to_regclass(%(table)s)::oid
  AND EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = pg_catalog.to_regclass(%(table)s)::oid
      AND a.attname = %(column)s
      AND NOT a.attisdropped
      AND a.xmin = pg_catalog.pg_current_xact_id()::xid)
  AND EXISTS (
    SELECT FROM family AS f
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.oid
    WHERE a.attname = %(column)s
      AND NOT a.attisdropped
      AND a.attgenerated = ''
      AND (a.atthasdef OR a.atthasmissing));

-- name: is_untouched
-- Whether nobody but us can have written to a row since the column is there.
pg_catalog.age(t.xmin) > pg_catalog.age(pg_catalog.xid({horizon}::xid8));

-- name: is_untouched_but_by_us
-- Also where it was us: what put back another such column of an untouched row has noted
-- so, in the same transaction. But a newer value that we put back is not written over.
({untouched} OR EXISTS (
  SELECT FROM pgflight.saved_row AS r
  JOIN pgflight.saved AS o ON o.id = r.saved_id
  WHERE o.restored_by = {run_id}
    AND o.horizon IS NOT NULL
    AND o.relation = {relation}
    AND o.key_names = {key_names}
    AND o.value_names <> {value_names}
    AND pg_catalog.hash_array_extended(r.key_texts, 0) = pg_catalog.hash_array_extended(s.key_texts, 0)
    AND r.key_texts = s.key_texts
    AND (r.restored OR r.conflict = {changed})
    AND r.xmin = t.xmin
)) AND NOT EXISTS (
  SELECT FROM pgflight.saved_row AS r
  JOIN pgflight.saved AS o ON o.id = r.saved_id
  WHERE o.restored_by = {run_id}
    AND o.relation = {relation}
    AND o.value_names = {value_names}
    AND pg_catalog.hash_array_extended(r.key_texts, 0) = pg_catalog.hash_array_extended(s.key_texts, 0)
    AND r.key_texts = s.key_texts
    AND r.restored);

-- name: select_put_back
-- Columns of a table that a deployment has put values back into.
SELECT s.id, s.value_names[1] AS column, s.key_names,
       pg_catalog.to_regclass(s.relation)::oid AS oid
FROM pgflight.saved AS s
WHERE s.restored_by = %(run_id)s
  AND s.has_key
  AND NOT s.whole_rows
  AND s.value_names[1] = ANY (%(columns)s)
  AND pg_catalog.to_regclass(s.relation)::oid = pg_catalog.to_regclass(%(table)s)::oid
  AND EXISTS (
    SELECT FROM pgflight.saved_row AS r
    WHERE r.saved_id = s.id AND (r.restored OR r.conflict = ANY (%(newer)s)));

-- name: is_spared
-- A value that somebody has emptied since is none.
{row}.{column} IS DISTINCT FROM NULL AND ({saved});

-- name: is_entry_of_row
-- OFFSET keeps the planner from reading the whole set for each batch.
EXISTS (
  SELECT FROM pgflight.saved_row AS pgflight_saved
  WHERE pgflight_saved.saved_id = {saved_id}
    AND pg_catalog.hash_array_extended(pgflight_saved.key_texts, 0) = pg_catalog.hash_array_extended(ARRAY[{texts}]::text[], 0)
    AND pgflight_saved.key_texts = ARRAY[{texts}]::text[]
    AND (pgflight_saved.restored OR pgflight_saved.conflict = ANY ({newer}))
  OFFSET 0);

-- name: is_entry_by_type
EXISTS (
  SELECT FROM pgflight.saved_row AS pgflight_saved
  WHERE pgflight_saved.saved_id = {saved_id}
    AND {same_key}
    AND (pgflight_saved.restored OR pgflight_saved.conflict = ANY ({newer})));

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
       pg_catalog.current_setting('row_security') AS row_security,
       pg_catalog.current_setting('search_path') AS search_path;

-- name: set_text_form
SELECT pg_catalog.set_config(key, value, true)
FROM pg_catalog.jsonb_each_text(%(settings)s);

-- name: select_columns_now
-- A type without its length or precision: what would be cut must be refused instead.
SELECT a.attname::text AS name,
       pg_catalog.format_type(a.atttypid, -1) AS type,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS full_type,
       a.attgenerated <> '' AS is_generated,
       a.attnotnull AS is_not_null
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = %(oid)s::oid
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: has_way_back
-- Whether a value of the one type can be cast to the other, and fails for none.
SELECT pg_catalog.to_regtype(%(old)s) IS NOT NULL
   AND (pg_catalog.to_regtype(%(old)s)::oid = pg_catalog.to_regtype(%(new)s)::oid
        OR EXISTS (
          SELECT FROM pg_catalog.pg_cast
          WHERE castsource = pg_catalog.to_regtype(%(new)s)::oid
            AND casttarget = pg_catalog.to_regtype(%(old)s)::oid)
        OR EXISTS (
          SELECT FROM pg_catalog.pg_type
          WHERE oid IN (pg_catalog.to_regtype(%(new)s)::oid, pg_catalog.to_regtype(%(old)s)::oid)
            AND typcategory = 'S')) AS found;

-- name: select_references
-- Without the parts that a partitioned table at the other end adds.
SELECT c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind = 'p' AS is_partitioned,
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
  SELECT s.ctid AS place, s.is_overwritten, s.key_texts, s.value_texts[1] AS text, {value} AS value, {key_values}
  FROM pgflight.saved_row AS s
  WHERE {pending}
),
judged AS (
  SELECT s.*,
         NULL::text AS without,
         CASE WHEN t.ctid IS NULL THEN 'the row is gone'
              WHEN t.{column}::text IS NOT DISTINCT FROM s.text THEN 'same'
              WHEN s.is_overwritten THEN {newer}
              {conflicts}
              ELSE 'restore' END AS verdict
  FROM saved AS s
  LEFT JOIN {own_rows} AS t ON {same_key}
),
written AS (
  UPDATE {own_rows} AS t
  SET {column} = s.value
  FROM judged AS s
  WHERE s.verdict = 'restore' AND {same_key} AND {unwritten}
  RETURNING s.place, t.{column}::text IS DISTINCT FROM {expected} AS is_changed
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
  FROM {own_rows} AS t
  WHERE {unwritten}
),
judged AS (
  SELECT s.*, t.pgflight_place, t.pgflight_table,
         NULL::text AS without,
         CASE WHEN t.pgflight_place IS NULL THEN {no_row}
              WHEN t.{column}::text IS NOT DISTINCT FROM s.text THEN 'same'
              {conflicts}
              ELSE 'restore' END AS verdict
  FROM saved AS s
  LEFT JOIN present AS t ON t.pgflight_likeness = s.likeness AND t.pgflight_number = s.number
),
written AS (
  UPDATE {own_rows} AS t
  SET {column} = s.value
  FROM judged AS s
  WHERE s.verdict = 'restore' AND t.ctid = s.pgflight_place AND t.tableoid = s.pgflight_table
  RETURNING s.place, t.{column}::text IS DISTINCT FROM {expected} AS is_changed
),
{ending};

-- name: restore_rows
WITH saved AS (
  SELECT s.ctid AS place, s.is_overwritten,
         ARRAY[{texts}]::text[] AS texts, {without} AS without, {values}, {key_values}
  FROM pgflight.saved_row AS s
  WHERE {pending}
),
judged AS (
  SELECT s.*,
         CASE WHEN t.ctid IS NULL AND s.is_overwritten THEN 'the row is gone'
              WHEN t.ctid IS NULL THEN CASE {conflicts} ELSE 'restore' END
              WHEN ARRAY[{columns_as_text}]::text[] OPERATOR(pg_catalog.=) s.texts THEN 'same'
              ELSE 'another row has its key now' END AS verdict
  FROM saved AS s
  LEFT JOIN {own_rows} AS t ON {same_key}
),
added AS (
  INSERT INTO {table} AS t ({columns}) OVERRIDING SYSTEM VALUE
  SELECT {value_names} FROM judged AS s WHERE s.verdict = 'restore' ORDER BY s.place
  {on_conflict}
  RETURNING {returned}, ARRAY[{columns_as_text}]::text[] AS texts
),
written AS (
  SELECT s.place,
         CASE WHEN s.place IS NULL THEN pgflight.refuse({rekeyed})
              ELSE NOT t.texts OPERATOR(pg_catalog.=) ARRAY[{expected}]::text[] END AS is_changed
  FROM added AS t
  LEFT JOIN judged AS s ON {same_added} AND s.verdict = 'restore'
),
{ending};

-- name: restore_rows_without_key
-- Of rows that are alike, those that are there already are not put there once more.
WITH saved AS (
  SELECT s.ctid AS place, ARRAY[{texts}]::text[] AS texts, {without} AS without, {values},
         pg_catalog.row_number() OVER (PARTITION BY ARRAY[{texts}]::text[]) AS number
  FROM pgflight.saved_row AS s
  WHERE {pending}
),
present AS (
  SELECT ARRAY[{columns_as_text}]::text[] AS texts, count(*) AS rows
  FROM {own_rows} AS t
  GROUP BY 1
),
judged AS (
  SELECT s.*,
         CASE WHEN s.number <= t.rows THEN 'same' {conflicts} ELSE 'restore' END AS verdict
  FROM saved AS s
  LEFT JOIN present AS t ON t.texts = s.texts
),
added AS (
  INSERT INTO {table} AS t ({columns}) OVERRIDING SYSTEM VALUE
  SELECT {value_names} FROM judged AS s WHERE s.verdict = 'restore' ORDER BY s.place
  RETURNING ARRAY[{columns_as_text}]::text[] AS texts
),
written AS (
  SELECT s.place,
         CASE WHEN s.place IS NULL THEN pgflight.refuse({rekeyed}) ELSE false END AS is_changed
  FROM (
    SELECT t.texts, pg_catalog.row_number() OVER (PARTITION BY t.texts) AS number
    FROM added AS t
  ) AS t
  LEFT JOIN (
    SELECT s.place, ARRAY[{expected}]::text[] AS texts,
           pg_catalog.row_number() OVER (PARTITION BY ARRAY[{expected}]::text[]) AS number
    FROM judged AS s
    WHERE s.verdict = 'restore'
  ) AS s ON s.texts OPERATOR(pg_catalog.=) t.texts AND s.number = t.number
),
{ending};

-- name: ending_of_a_set
-- What is put back needs no entry of its own: the whole set is done with this.
noted AS (
  UPDATE pgflight.saved_row AS r
  SET conflict = CASE WHEN w.is_changed THEN {changed}
                      WHEN w.place IS NOT NULL OR j.verdict = 'same' THEN j.without
                      WHEN j.verdict = 'restore' THEN {missed}
                      ELSE j.verdict END
  FROM judged AS j
  LEFT JOIN written AS w ON w.place = j.place
  WHERE r.ctid = j.place
    AND (j.verdict <> 'same' AND w.place IS NULL OR w.is_changed OR j.without IS NOT NULL)
)
SELECT count(*) AS rows FROM written WHERE NOT is_changed;

-- name: ending_of_a_batch
done AS (
  SELECT j.place, j.verdict, j.without,
         w.is_changed,
         w.place IS NOT NULL AND NOT w.is_changed OR j.verdict = 'same' AS is_restored
  FROM judged AS j
  LEFT JOIN written AS w ON w.place = j.place
)
UPDATE pgflight.saved_row AS r
SET restored = d.is_restored AND d.without IS NULL,
    conflict = CASE WHEN d.is_changed THEN {changed}
                    WHEN d.is_restored THEN d.without
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

-- name: advance_saved_sequence
-- To where it had come; never back. No row where there is no such sequence.
SELECT CASE
         WHEN s.increment > 0 AND s.saved > s.last OR s.increment < 0 AND s.saved < s.last
         THEN pg_catalog.setval(s.oid::pg_catalog.regclass, s.saved, true)
         ELSE s.last
       END AS last
FROM (
  SELECT q.seqrelid AS oid,
         q.seqincrement AS increment,
         greatest(q.seqmin, least(q.seqmax, r.value_texts[1]::bigint)) AS saved,
         coalesce(pg_catalog.pg_sequence_last_value(q.seqrelid), q.seqstart - q.seqincrement) AS last
  FROM pgflight.saved_row AS r
  JOIN pg_catalog.pg_sequence AS q
    ON q.seqrelid = pg_catalog.to_regclass(%(relation)s)::oid
  WHERE r.saved_id = %(id)s
) AS s;
