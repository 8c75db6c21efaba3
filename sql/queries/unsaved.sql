-- name: note_tables
-- Every table, and type of several fields, that may lose something, as it is before a rollback's statements. The
-- counters are not only this transaction's: they may begin with earlier ones.
SELECT c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind = 'c' AS is_type,
       c.relfilenode AS file,
       pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS deleted,
       pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) AS updated,
       coalesce((SELECT pg_catalog.array_agg(i.inhparent)
                 FROM pg_catalog.pg_inherits AS i
                 WHERE i.inhrelid = c.oid AND c.relispartition), '{}') AS parents,
       coalesce((SELECT pg_catalog.json_object_agg(
                   a.attnum, pg_catalog.json_build_array(a.attname, a.atttypid, a.atttypmod))
                 FROM pg_catalog.pg_attribute AS a
                 WHERE a.attrelid = c.oid AND a.attnum > 0
                   AND NOT a.attisdropped AND a.attgenerated = ''), '{}') AS columns
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'c')
  AND c.relpersistence <> 't'
  AND (n.nspname NOT IN ('pg_catalog', 'information_schema', 'pgflight')
       OR c.relname = 'pg_largeobject')
  AND n.nspname NOT LIKE 'pg\_toast%%';

-- name: select_touched
-- The tables that this transaction has locked as whoever drops, rewrites or writes to
-- them must. Where the server does not count, whoever may have written has written.
WITH held AS (
  SELECT l.relation AS oid,
         bool_or(l.mode = 'AccessExclusiveLock') AS readers_wait,
         bool_or(l.mode = 'RowExclusiveLock') AS may_have_written
  FROM pg_catalog.pg_locks AS l
  WHERE l.pid = pg_catalog.pg_backend_pid()
    AND l.locktype = 'relation'
    AND l.granted
    AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
  GROUP BY l.relation
  UNION ALL
  -- Its lock is given back at once.
  SELECT 'pg_catalog.pg_largeobject'::pg_catalog.regclass::oid, false, false
)
SELECT h.oid,
       h.readers_wait,
       c.oid IS NULL AS is_gone,
       c.relfilenode AS file,
       CASE WHEN k.counts THEN pg_catalog.pg_stat_get_xact_tuples_deleted(h.oid)
            WHEN h.may_have_written THEN 1 ELSE 0 END AS deleted,
       CASE WHEN k.counts THEN pg_catalog.pg_stat_get_xact_tuples_updated(h.oid)
            WHEN h.may_have_written THEN 1 ELSE 0 END AS updated,
       coalesce((SELECT pg_catalog.array_agg(a.attnum)
                 FROM pg_catalog.pg_attribute AS a
                 WHERE a.attrelid = h.oid AND a.attisdropped), '{}') AS dropped,
       coalesce((SELECT pg_catalog.json_object_agg(
                   a.attnum, pg_catalog.json_build_array(a.atttypid, a.atttypmod))
                 FROM pg_catalog.pg_attribute AS a
                 WHERE a.attrelid = h.oid AND a.attnum > 0 AND NOT a.attisdropped), '{}') AS types,
       c.relkind = 'r' AND pg_catalog.pg_relation_size(c.oid) = 0 AS is_empty
FROM held AS h
CROSS JOIN (SELECT pg_catalog.current_setting('track_counts')::boolean AS counts) AS k
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = h.oid;

-- name: select_columns_of_types
-- Columns whose values have the fields of a type, or are arrays of such.
SELECT a.attrelid AS oid, a.attname::text AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_type AS t ON t.oid = c.reltype
JOIN pg_catalog.pg_attribute AS a ON a.atttypid IN (t.oid, t.typarray)
WHERE c.oid = ANY (%(types)s::oid[])
  AND NOT a.attisdropped;

-- name: note_sequences
-- How far each has come; a column's own follows the values that are put back. CASE, because asking for another relation's is an error. Numbers that were given out are not taken back by a rollback.
SELECT c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relfilenode AS file,
       pg_catalog.pg_sequence_last_value(c.oid) AS last
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pgflight')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::oid
      AND d.objid = c.oid AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i'))
  AND CASE WHEN c.relkind = 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE') ELSE false END;

-- name: select_sequence_files
SELECT c.oid, c.relfilenode AS file
FROM pg_catalog.pg_class AS c
WHERE c.oid = ANY (%(oids)s::oid[]);

-- name: save_sequence
WITH opened AS (
  INSERT INTO pgflight.saved
    (run_id, version, relation, key_names, key_types, value_names, value_types, row_count,
     whole_rows, has_key, is_kept)
  VALUES (%(run_id)s, %(version)s, %(relation)s, '{}', '{}', '{last_value}', '{bigint}', 1,
          false, false, true)
  RETURNING id
)
INSERT INTO pgflight.saved_row (saved_id, key_texts, value_texts)
SELECT o.id, '{}', ARRAY[%(last)s::text] FROM opened AS o;
