-- name: set_local
-- One transaction-scoped setting: it must survive a pooler and end with us.
SELECT pg_catalog.set_config(%(name)s, %(value)s, true);

-- name: select_identity
SELECT pg_catalog.current_setting('server_version_num')::int AS version_num,
       pg_catalog.current_setting('server_version') AS version,
       pg_catalog.current_database()::text AS database,
       (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system_identifier,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.current_setting('transaction_read_only')::bool AS read_only,
       pg_catalog.pg_backend_pid() AS backend_pid,
       session_user::text AS role,
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user) AS is_superuser,
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS sees_sessions,
       (SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout') AS deadlock_timeout_ms;

-- name: select_transaction
-- The tripwire and the lock report in one round trip.
SELECT pg_catalog.pg_current_xact_id_if_assigned()::text AS xid,
       coalesce(
         (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(l.relation::regclass::text, l.mode))
          FROM pg_catalog.pg_locks AS l
          JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
          WHERE l.pid = pg_catalog.pg_backend_pid()
            AND l.locktype = 'relation'
            AND l.granted
            AND c.relkind IN ('r', 'p', 'm')
            AND c.oid = ANY (%(tables)s)),
         '[]') AS locks;

-- name: select_waiters
-- Who waits on us, for what, since when. pg_blocking_pids also names us when we
-- ourselves are still queueing in front of them.
SELECT l.pid,
       l.waitstart,
       l.mode,
       l.relation::regclass::text AS relation,
       extract(epoch FROM pg_catalog.clock_timestamp() - l.waitstart) * 1000 AS waited_ms
FROM pg_catalog.pg_locks AS l
WHERE NOT l.granted
  AND l.waitstart IS NOT NULL
  AND l.pid <> %(pid)s
  AND %(pid)s = ANY (pg_catalog.pg_blocking_pids(l.pid));

-- name: resolve_table
-- NULL when there is no such table; names as the server quotes them.
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass(%(table)s)
  AND c.relkind IN ('r', 'p', 'm', 'f');

-- name: select_blockers
-- Sessions and prepared transactions that hold locks on these tables, oldest first.
SELECT l.pid,
       l.relation::regclass::text AS relation,
       string_agg(DISTINCT l.mode, ', ') AS modes,
       a.backend_type,
       a.state,
       a.application_name,
       a.usename::text AS usename,
       a.query LIKE 'autovacuum:%%to prevent wraparound%%' AS is_wraparound,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start) AS age_s
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation'
  AND l.granted
  AND l.relation = ANY (%(tables)s)
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
GROUP BY l.pid, l.relation, a.backend_type, a.state, a.application_name, a.usename, a.query, a.xact_start
ORDER BY age_s DESC NULLS LAST;
