-- name: select_table_facts
SELECT c.oid::regclass::text AS table,
       pg_catalog.pg_has_role(c.relowner, 'USAGE') AS is_owner,
       c.relowner::regrole::text AS owner,
       greatest(c.reltuples, 0)::bigint AS rows,
       c.reltuples < 0 AS never_analysed,
       pg_catalog.pg_total_relation_size(c.oid) AS bytes
FROM pg_catalog.pg_class AS c
WHERE c.oid = ANY (%(tables)s)
ORDER BY 1;

-- name: may_reference
SELECT pg_catalog.has_table_privilege(%(table)s, 'REFERENCES') AS allowed;

-- name: may_create_in
-- %%(object)s is a name or signature as SQL writes it; NULL when it names no schema or a new one.
SELECT n.nspname::text AS schema,
       pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS allowed
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname = CASE pg_catalog.cardinality(pg_catalog.parse_ident(%(object)s, false))
                  WHEN 1 THEN pg_catalog.current_schema()
                  ELSE (pg_catalog.parse_ident(%(object)s, false))[1] END;

-- name: may_keep_ledger
SELECT CASE
  WHEN pg_catalog.to_regclass('pgflight.run') IS NULL
    THEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
  ELSE pg_catalog.has_schema_privilege('pgflight', 'USAGE')
       AND pg_catalog.has_table_privilege('pgflight.run', 'INSERT, UPDATE')
END AS allowed,
pg_catalog.to_regclass('pgflight.run') IS NOT NULL AS found;

-- name: select_prepared
SELECT gid, owner::text AS owner,
       extract(epoch FROM pg_catalog.clock_timestamp() - prepared) AS age_s
FROM pg_catalog.pg_prepared_xacts
WHERE database = pg_catalog.current_database();

-- name: select_standbys
SELECT application_name, state, sync_state,
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn) AS lag_bytes
FROM pg_catalog.pg_stat_replication;

-- name: select_replication_settings
SELECT pg_catalog.current_setting('synchronous_standby_names') AS synchronous_standby_names,
       pg_catalog.current_setting('synchronous_commit') AS synchronous_commit;

-- name: select_publications
SELECT p.pubname::text AS publication,
       (pg_catalog.quote_ident(p.schemaname) || '.' || pg_catalog.quote_ident(p.tablename))::regclass::text AS table
FROM pg_catalog.pg_publication_tables AS p
WHERE (pg_catalog.quote_ident(p.schemaname) || '.' || pg_catalog.quote_ident(p.tablename))::regclass = ANY (%(tables)s::oid[]);

-- name: select_slots
SELECT slot_name::text AS slot, slot_type, active,
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn) AS retained_bytes
FROM pg_catalog.pg_replication_slots
WHERE NOT active;

-- name: select_event_triggers
SELECT evtname::text AS name, evtevent::text AS event
FROM pg_catalog.pg_event_trigger
WHERE evtenabled <> 'D'
  AND evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite');
