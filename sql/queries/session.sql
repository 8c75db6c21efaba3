-- name: set_local
-- One transaction-scoped setting: it must survive a pooler and end with us.
SELECT pg_catalog.set_config(%(name)s, %(value)s, true);

-- name: commit_locally
SELECT pg_catalog.set_config('synchronous_commit', 'local', true);

-- name: select_identity
SELECT pg_catalog.current_setting('server_version_num')::int AS version_num,
       pg_catalog.current_setting('server_version') AS version,
       pg_catalog.current_database()::text AS database,
       (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system_identifier,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       -- Which life of the server: each promotion of a standby begins another one.
       CASE WHEN NOT pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) END AS timeline,
       pg_catalog.current_setting('transaction_read_only')::bool AS read_only,
       session_user::text AS role,
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS sees_sessions,
       (SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout') AS deadlock_timeout_ms;

-- name: select_transaction
-- The tripwire and the lock report in one round trip.
SELECT pg_catalog.pg_current_xact_id_if_assigned()::text AS xid,
       coalesce(
         (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(l.relation::regclass::text, l.mode))
          FROM pg_catalog.pg_locks AS l
          WHERE l.pid = pg_catalog.pg_backend_pid()
            AND l.locktype = 'relation'
            AND l.granted
            AND l.relation = ANY (%(tables)s::oid[])),
         '[]') AS locks;

-- name: select_waiters
-- Who waits on us, for what, since when. pg_blocking_pids also names us when we
-- ourselves are still queueing in front of them.
SELECT l.pid,
       l.waitstart,
       l.mode,
       l.relation::regclass::text AS relation,
       extract(epoch FROM pg_catalog.clock_timestamp() - l.waitstart)::float8 * 1000::float8 AS waited_ms
FROM pg_catalog.pg_locks AS l
WHERE NOT l.granted
  AND l.waitstart IS NOT NULL
  AND l.pid <> %(pid)s
  AND %(pid)s = ANY (pg_catalog.pg_blocking_pids(l.pid));

-- name: end_standby_wait
-- Of one of our own backends, so the same role may; with its name, because a pid is
-- handed out again.
SELECT pg_catalog.pg_cancel_backend(pid) AS sent
FROM pg_catalog.pg_stat_activity
WHERE pid = %(pid)s
  AND application_name LIKE %(run)s
  AND wait_event = 'SyncRep';

-- name: cancel_backend
-- One of our own, so the same role may.
SELECT pg_catalog.pg_cancel_backend(%(pid)s) AS sent;

-- name: resolve_table
-- No row when there is no such table; names as they are, not quoted.
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name,
       c.relkind = 'p' AS is_partitioned
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass(%(table)s)::oid
  AND c.relkind IN ('r', 'p', 'm', 'f');

-- name: select_relations
-- Looked up by hand: to_regclass() is an error where the role may not use the schema.
SELECT wanted.name, c.oid, c.relkind::text AS kind
FROM pg_catalog.unnest(%(names)s::text[]) AS wanted (name)
CROSS JOIN LATERAL (SELECT pg_catalog.parse_ident(wanted.name)) AS split (parts)
JOIN pg_catalog.pg_class AS c ON c.relname = parts[pg_catalog.cardinality(parts)]::name
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'f', 'v', 'S')
  AND CASE pg_catalog.cardinality(parts)
      WHEN 1 THEN pg_catalog.pg_table_is_visible(c.oid)
      ELSE n.nspname = parts[1]::name END;

-- name: select_blockers
-- Sessions and prepared transactions that hold locks on these tables or on their
-- partitions, oldest first. A parallel worker is its leader's.
WITH RECURSIVE tree (root, oid) AS (
  SELECT oid, oid FROM pg_catalog.unnest(%(tables)s::oid[]) AS oid
  UNION
  SELECT tree.root, i.inhrelid
  FROM tree
  JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid
),
locks AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks WHERE granted)
SELECT l.pid,
       p.gid,
       tree.root AS oid,
       pg_catalog.array_agg(DISTINCT pg_catalog.upper(pg_catalog.regexp_replace(
         pg_catalog.regexp_replace(l.mode, 'Lock$', ''), '([a-z])([A-Z])', '\1 \2', 'g'))) AS modes,
       a.backend_type,
       a.state,
       a.application_name,
       coalesce(a.usename, p.owner)::text AS usename,
       a.query LIKE 'autovacuum:%%to prevent wraparound%%' AS is_wraparound,
       extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared))::float AS age_s
FROM locks AS l
JOIN tree ON tree.oid = l.relation
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
-- A prepared transaction has no process; the lock on its own id tells which it is.
LEFT JOIN locks AS x
  ON l.pid IS NULL
  AND x.pid IS NULL
  AND x.locktype = 'transactionid'
  AND x.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_catalog.pg_prepared_xacts AS p ON p.transaction = x.transactionid
WHERE l.locktype = 'relation'
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  AND a.leader_pid IS NULL
GROUP BY l.pid, p.gid, tree.root, a.backend_type, a.state, a.application_name, a.usename, p.owner,
         a.query, a.xact_start, p.prepared
ORDER BY age_s DESC NULLS LAST;

-- name: select_backend_pid
SELECT pg_catalog.pg_backend_pid() AS pid;
