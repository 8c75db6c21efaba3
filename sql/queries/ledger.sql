-- name: try_fence
-- The transaction's first statement: one deployer at a time in a database. Who hangs
-- right behind it must not keep the fence, so the limit is part of it.
SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', %(idle_ms)s::text, true),
       pg_catalog.pg_try_advisory_xact_lock(%(key)s) AS held,
       pg_catalog.pg_current_xact_id()::text AS xid,
       pg_catalog.pg_backend_pid() AS pid;

-- name: hold_fence
-- Without a transaction id, and between statements without a snapshot: a session that
-- idles like this holds back neither VACUUM nor CREATE INDEX CONCURRENTLY.
SELECT pg_catalog.pg_try_advisory_xact_lock(%(key)s) AS held;

-- name: end_lost_session
-- Of this process's own, by a name that nobody else has: it may still be taken for alive.
SELECT pg_catalog.pg_terminate_backend(pid, 5000) AS ended
FROM pg_catalog.pg_stat_activity
WHERE pid = %(pid)s
  AND application_name = pg_catalog.current_setting('application_name');

-- name: wait_for_fence
-- Granted only when the transaction that holds it is over.
SELECT pg_catalog.pg_advisory_xact_lock(%(key)s);

-- name: select_fence_holder
SELECT l.pid,
       a.application_name,
       a.usename::text AS usename,
       a.xact_start
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory'
  AND l.granted
  AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND ((l.classid::bigint << 32) | l.objid::bigint) = %(key)s
LIMIT 1;

-- name: ledger_exists
SELECT pg_catalog.to_regclass('pgflight.run') IS NOT NULL AS found;

-- name: ledger_is_whole
-- By what was added to it last: the file that makes it may run again at any time.
SELECT pg_catalog.to_regprocedure('pgflight.refuse(text)') IS NOT NULL AS found;

-- name: select_runs
-- The newest run of each version.
SELECT DISTINCT ON (version)
       run_id, version, name, state, strategy, checksum,
       applied_at, applied_by, state_since, state_by, rows_filled, locked_ms, condemned
FROM pgflight.run
ORDER BY version, applied_at DESC;

-- name: select_run
SELECT run_id, version, name, state, strategy, checksum,
       applied_at, applied_by, state_since, state_by, rows_filled, locked_ms, condemned
FROM pgflight.run
WHERE run_id = %(run_id)s;

-- name: select_fingerprints
SELECT fingerprint_before, fingerprint_after
FROM pgflight.run
WHERE run_id = %(run_id)s;

-- name: select_rates
-- Rows a second that this server has shown before, in recent deployments of a size that
-- says something; NULL where it has shown nothing.
SELECT (SELECT sum(rows_filled)::float8 / nullif(sum(locked_ms) / 1000::float8, 0::float8)
        FROM (SELECT rows_filled, locked_ms
              FROM pgflight.run
              WHERE strategy = 'transactional' AND rows_filled >= 1000
              ORDER BY applied_at DESC
              LIMIT 5) AS recent) AS fill,
       (SELECT sum(rows)::float8 / nullif(sum(extract(epoch FROM ended_at - started_at)::float8), 0::float8)
        FROM (SELECT rows, started_at, ended_at
              FROM pgflight.step
              WHERE state = 'done' AND rows >= 1000
              ORDER BY started_at DESC
              LIMIT 5) AS recent) AS fill_online;

-- name: insert_run
INSERT INTO pgflight.run
  (run_id, version, name, state, strategy, checksum, rows_filled, locked_ms, fingerprint_before)
VALUES
  (%(run_id)s, %(version)s, %(name)s, 'applied', 'transactional', %(checksum)s,
   %(rows_filled)s, %(locked_ms)s, %(fingerprint_before)s);

-- name: update_after
UPDATE pgflight.run
SET fingerprint_after = %(fingerprint_after)s,
    felt = %(felt)s
WHERE run_id = %(run_id)s;

-- name: update_state
-- Only along the arrows of the state diagram, and nothing is accepted whose rollback has
-- begun; no row back means that somebody else was at work.
UPDATE pgflight.run
SET state = %(state)s,
    state_since = pg_catalog.clock_timestamp(),
    state_by = session_user
WHERE run_id = %(run_id)s
  AND state = ANY (%(from_states)s)
  AND NOT (condemned IS NOT NULL AND %(state)s = 'accepted')
RETURNING version;

-- name: update_condemned
-- A rollback has begun, or (NULL) was refused or stopped; not once it is done.
UPDATE pgflight.run
SET condemned = %(reason)s
WHERE run_id = %(run_id)s
  AND state <> 'rolled_back'
RETURNING version;

-- name: pin_is_readable
-- Looked up by hand: to_regclass() is an error where the role may not use the schema.
SELECT EXISTS (
  SELECT
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = 'pgflight'
    AND c.relname = 'target'
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')) AS readable;

-- name: select_pin
SELECT system_identifier, database, pinned_at, pinned_by
FROM pgflight.target;

-- name: upsert_pin
INSERT INTO pgflight.target AS pinned (system_identifier, database)
SELECT system_identifier::text, pg_catalog.current_database()
FROM pg_catalog.pg_control_system()
ON CONFLICT (is_it) DO UPDATE
SET system_identifier = excluded.system_identifier,
    database = excluded.database,
    pinned_at = excluded.pinned_at,
    pinned_by = excluded.pinned_by
WHERE (pinned.system_identifier, pinned.database) IS DISTINCT FROM (excluded.system_identifier, excluded.database);
