-- name: select_wal_end
-- Of what is inserted, not what is written: an asynchronous COMMIT counts too. Where a
-- page is full that is behind the next one's header (24 bytes, 40 at a segment's start),
-- which no standby reaches before there is a record on it.
SELECT (inserted.lsn - CASE
         WHEN inserted.at %% (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size') = 40 THEN 40::numeric
         WHEN inserted.at %% (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'wal_block_size') = 24 THEN 24::numeric
         ELSE 0::numeric END)::text AS position
FROM (SELECT lsn, pg_catalog.pg_wal_lsn_diff(lsn, '0/0')::bigint AS at
      FROM pg_catalog.pg_current_wal_insert_lsn() AS lsn) AS inserted;

-- name: select_replay
SELECT is_standby,
       behind_bytes,
       CASE WHEN behind_bytes > 0
            THEN extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp())::float END AS behind_s,
       -- An error on a primary.
       CASE WHEN is_standby THEN pg_catalog.pg_is_wal_replay_paused() ELSE false END AS is_paused,
       (SELECT setting::float8 / 1000::float8 FROM pg_catalog.pg_settings WHERE name = 'recovery_min_apply_delay') AS delay_s,
       (SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'max_standby_streaming_delay') AS patience_ms
FROM (SELECT pg_catalog.pg_is_in_recovery() AS is_standby,
             greatest(
               pg_catalog.pg_wal_lsn_diff(%(position)s::pg_lsn, coalesce(pg_catalog.pg_last_wal_replay_lsn(), '0/0')),
               0)::bigint AS behind_bytes) AS seen;

-- name: wait_a_moment
-- On the server, where a cancellation ends it.
SELECT pg_catalog.pg_sleep(%(seconds)s);
