-- name: insert_online_run
INSERT INTO pgflight.run
  (run_id, version, name, state, strategy, checksum, rows_filled, locked_ms, fingerprint_before)
VALUES
  (%(run_id)s, %(version)s, %(name)s, 'applying', 'online', %(checksum)s, 0, 0, %(fingerprint_before)s);

-- name: finish_online_run
UPDATE pgflight.run
SET state = 'applied',
    applied_at = pg_catalog.clock_timestamp(),
    state_since = pg_catalog.clock_timestamp(),
    state_by = session_user,
    rows_filled = (SELECT coalesce(sum(rows), 0) FROM pgflight.step WHERE run_id = %(run_id)s)
WHERE run_id = %(run_id)s
  AND state = 'applying';

-- name: start_step
-- What is to be undone was found out when the step was first started, and stays.
INSERT INTO pgflight.step (run_id, number, summary, state, undo)
VALUES (%(run_id)s, %(number)s, %(summary)s, 'running', %(undo)s)
ON CONFLICT (run_id, number) DO NOTHING;

-- name: select_step
SELECT state, undo, next_block
FROM pgflight.step
WHERE run_id = %(run_id)s AND number = %(number)s;

-- name: advance_step
-- Of several workers the one that is behind commits last at times.
UPDATE pgflight.step
SET next_block = greatest(next_block, %(next_block)s),
    rows = rows + %(rows)s
WHERE run_id = %(run_id)s AND number = %(number)s;

-- name: end_step
-- What is undone begins anew when the run goes on.
UPDATE pgflight.step
SET state = %(state)s,
    next_block = CASE %(state)s WHEN 'undone' THEN 0 ELSE next_block END,
    rows = CASE %(state)s WHEN 'undone' THEN 0 ELSE rows END,
    ended_at = pg_catalog.clock_timestamp()
WHERE run_id = %(run_id)s AND number = %(number)s;

-- name: select_steps
SELECT number, summary, state, undo
FROM pgflight.step
WHERE run_id = %(run_id)s
ORDER BY number;

-- name: select_own_xid
-- As a row's xmin shows it.
SELECT pg_catalog.pg_current_xact_id()::xid::text AS xid;

-- name: select_key_columns
-- Of the primary key, in its order; not those that it merely INCLUDEs.
SELECT coalesce(pg_catalog.array_agg(a.attname::text ORDER BY k.place), '{}') AS columns
FROM pg_catalog.pg_index AS i
CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = %(oid)s::oid
  AND i.indisprimary
  AND k.place <= i.indnkeyatts;

-- name: select_blocks
-- Of a table, or of the largest of its partitions and children: a batch takes the same
-- range of each.
WITH RECURSIVE family (oid) AS (
  SELECT %(oid)s::oid
  UNION
  SELECT i.inhrelid
  FROM pg_catalog.pg_inherits AS i
  JOIN family AS f ON f.oid = i.inhparent
)
SELECT (max(pg_catalog.pg_relation_size(oid))
        / pg_catalog.current_setting('block_size')::bigint)::bigint AS blocks
FROM family;

-- name: select_invalid_index
-- The leftover of an interrupted CREATE INDEX CONCURRENTLY.
SELECT n.nspname::text AS schema, c.relname::text AS name
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE i.indexrelid = pg_catalog.to_regclass(%(index)s)::oid
  AND NOT (i.indisvalid AND i.indisready);

-- name: select_index_progress
SELECT phase, blocks_done, blocks_total, tuples_done, tuples_total
FROM pg_catalog.pg_stat_progress_create_index
WHERE pid = %(pid)s;

-- name: select_pressure
-- How far the slowest standby is behind; 0 where there is none, or the role may not see.
SELECT coalesce(extract(epoch FROM max(replay_lag)), 0)::float8 AS lag_s
FROM pg_catalog.pg_stat_replication;

-- name: count_unarchived
-- WAL segments that wait for their archive.
SELECT count(*)::int AS segments
FROM pg_catalog.pg_ls_archive_statusdir()
WHERE name LIKE '%%.ready';
