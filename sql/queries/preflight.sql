-- name: select_owners
SELECT c.oid::regclass::text AS table,
       c.relowner::regrole::text AS owner,
       pg_catalog.pg_has_role(c.relowner, 'USAGE') AS is_owner,
       pg_catalog.pg_has_role(c.relowner, 'MEMBER') AS is_member
FROM pg_catalog.pg_class AS c
WHERE c.oid = ANY (%(tables)s::oid[])
ORDER BY 1;

-- name: select_table_facts
-- With partitions. Rows as the planner has them: the density that the last ANALYZE
-- found times today's size; without one, from the size alone.
WITH RECURSIVE tree (root, oid) AS (
  SELECT oid, oid FROM pg_catalog.unnest(%(tables)s::oid[]) AS oid
  UNION
  SELECT tree.root, i.inhrelid
  FROM tree
  JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid
),
size AS (
  SELECT tree.root, c.reltuples, c.relpages,
         pg_catalog.pg_relation_size(c.oid) AS heap_bytes,
         pg_catalog.pg_total_relation_size(c.oid) AS bytes
  FROM tree
  JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid
  WHERE c.relkind IN ('r', 'm')
)
SELECT root AS oid,
       sum(CASE WHEN relpages > 0 AND reltuples >= 0::real
             THEN reltuples::float8 / relpages::float8 * heap_bytes::float8 / pg_catalog.current_setting('block_size')::float8
             ELSE heap_bytes / %(row_bytes)s END)::bigint AS rows,
       bool_or(reltuples < 0::real AND heap_bytes > 0) AS never_analysed,
       sum(bytes)::bigint AS bytes
FROM size
GROUP BY root
ORDER BY 1;

-- name: select_closed_schemas
SELECT DISTINCT pg_catalog.quote_ident(n.nspname) AS schema
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY (%(tables)s::oid[])
  AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
ORDER BY 1;

-- name: select_not_referenceable
-- REFERENCES on the referenced columns is enough.
SELECT c.oid::regclass::text AS table
FROM pg_catalog.pg_class AS c
WHERE c.oid = ANY (%(tables)s::oid[])
  AND NOT pg_catalog.has_any_column_privilege(c.oid, 'REFERENCES')
ORDER BY 1;

-- name: may_create_in
-- %%(object)s is a name or signature as SQL writes it; no row when its schema is not there yet.
SELECT pg_catalog.quote_ident(n.nspname) AS schema,
       pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS allowed
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname = CASE pg_catalog.cardinality(pg_catalog.parse_ident(%(object)s, false))
                  WHEN 1 THEN pg_catalog.current_schema()
                  ELSE (pg_catalog.parse_ident(%(object)s, false))[1]::name END;

-- name: may_keep_ledger
-- Looked up by hand: to_regclass() is an error where the role may not use the schema.
SELECT pg_catalog.count(*) > 0 AS found,
       coalesce(pg_catalog.bool_and(is_open AND pg_catalog.has_table_privilege(oid, 'SELECT')), true) AS readable,
       coalesce(
         pg_catalog.bool_and(
           is_open
           AND pg_catalog.has_table_privilege(oid, 'SELECT')
           AND pg_catalog.has_table_privilege(oid, 'INSERT')
           AND (relname = 'event' OR pg_catalog.has_table_privilege(oid, 'UPDATE'))),
         pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')) AS writable
FROM (
  SELECT c.oid, c.relname, pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS is_open
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = 'pgflight'
    AND c.relname IN ('run', 'event')
) AS ledger;

-- name: select_standbys
-- A base backup follows only for as long as it takes.
SELECT coalesce(nullif(application_name, ''), 'without a name') AS name, sync_state,
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn) AS lag_bytes
FROM pg_catalog.pg_stat_replication
WHERE state IS DISTINCT FROM 'backup';

-- name: select_replication_settings
SELECT pg_catalog.current_setting('synchronous_standby_names') AS synchronous_standby_names,
       pg_catalog.current_setting('synchronous_commit') AS synchronous_commit;

-- name: select_publications
-- By name, not ::regclass, which is an error in schemas that the role may not use.
WITH RECURSIVE tree (root, oid) AS (
  SELECT oid, oid FROM pg_catalog.unnest(%(tables)s::oid[]) AS oid
  UNION
  SELECT tree.root, i.inhrelid
  FROM tree
  JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid
)
SELECT DISTINCT p.pubname::text AS publication, tree.root::regclass::text AS table
FROM pg_catalog.pg_publication_tables AS p
JOIN pg_catalog.pg_namespace AS n ON n.nspname = p.schemaname
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.tablename
JOIN tree ON tree.oid = c.oid
ORDER BY 1, 2;

-- name: select_publications_of_all
SELECT pg_catalog.quote_ident(pubname) AS name
FROM pg_catalog.pg_publication
WHERE puballtables
ORDER BY 1;

-- name: has_subscribers
-- A subscriber has a slot here, also while it is away.
SELECT EXISTS (
  SELECT
  FROM pg_catalog.pg_replication_slots
  WHERE slot_type = 'logical'
    AND database = pg_catalog.current_database()) AS has;

-- name: select_slots
SELECT slot_name::text AS slot,
       coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn), 0) AS retained_bytes
FROM pg_catalog.pg_replication_slots
WHERE NOT active
ORDER BY 1;

-- name: select_event_triggers
SELECT evtname::text AS name, evtevent::text AS event
FROM pg_catalog.pg_event_trigger
WHERE evtenabled IN ('O', 'A')
  AND evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite')
ORDER BY 1;

-- name: am_superuser
SELECT rolsuper AS am
FROM pg_catalog.pg_roles
WHERE rolname = current_user;

-- name: select_future_owner
-- Of a superuser only: to_regprocedure() is an error where the role may not use the schema.
-- OR REPLACE keeps the owner that a function has; a new one is the deploying role's.
-- A role that is yet to be made is nobody's superuser.
SELECT owner.name AS owner,
       coalesce((SELECT rolsuper FROM pg_catalog.pg_roles WHERE pg_catalog.quote_ident(rolname) = owner.name), false) AS is_superuser
FROM (
  SELECT coalesce(
    %(owner)s::text,
    (SELECT pg_catalog.quote_ident(o.rolname)
     FROM pg_catalog.pg_proc AS p
     JOIN pg_catalog.pg_roles AS o ON o.oid = p.proowner
     WHERE p.oid = pg_catalog.to_regprocedure(%(signature)s)::oid),
    pg_catalog.quote_ident(current_user)) AS name) AS owner;
