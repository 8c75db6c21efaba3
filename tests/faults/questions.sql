-- name: attnum
SELECT witness.attnum() AS attnum;

-- name: columns
-- Each column that a committed transaction has ever added, the dropped ones as well.
SELECT count(*) FROM pg_catalog.pg_attribute
WHERE attrelid = 'platform.users'::regclass AND attnum > 7;

-- name: ledger
SELECT run_id, version, state, strategy FROM pgflight.run ORDER BY applied_at;

-- name: condemned
-- Those whose way back has begun, and is not at its end.
SELECT run_id FROM pgflight.run WHERE condemned IS NOT NULL AND state <> 'rolled_back';

-- name: steps
SELECT number, state FROM pgflight.step ORDER BY run_id, number;

-- name: sessions
-- Those of pgflight's that are still there, and what they hold.
SELECT a.pid, a.application_name, a.state
FROM pg_catalog.pg_stat_activity AS a
WHERE a.datname = current_database() AND a.application_name LIKE 'pgflight %';

-- name: locks
-- Advisory locks of anybody's, and strong locks on the application's tables.
SELECT l.pid, l.locktype, l.mode
FROM pg_catalog.pg_locks AS l
WHERE l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  AND (l.locktype = 'advisory' OR l.mode IN ('AccessExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock', 'ExclusiveLock'))
  AND l.locktype IN ('advisory', 'relation')
  AND l.pid NOT IN (SELECT pid FROM pg_catalog.pg_stat_activity WHERE backend_type <> 'client backend');

-- name: untouched
-- Everything of the users of old that nobody has a reason to change.
SELECT md5(string_agg(row_text, '|' ORDER BY row_text)) FROM (
  SELECT ROW(id, email, display_name, password_hash, created_at)::text AS row_text
  FROM platform.users WHERE email NOT LIKE 'newcomer-%'
  UNION ALL
  SELECT ROW(user_id, org_id, role, joined_at)::text FROM platform.org_members
  UNION ALL
  SELECT ROW(id, name, created_at)::text FROM platform.organizations WHERE name <> 'partner'
) AS rows;

-- name: logins
SELECT id, last_login_at FROM platform.users WHERE email NOT LIKE 'newcomer-%';

-- name: newcomers
SELECT email FROM platform.users WHERE email LIKE 'newcomer-%';

-- name: choices
SELECT id, active_org_id FROM platform.users WHERE email NOT LIKE 'newcomer-%';

-- name: saved
-- What rollbacks have saved of users' choices, by user.
SELECT r.key_texts[1]::uuid AS id, r.value_texts[1]::uuid AS org
FROM pgflight.saved AS s
JOIN pgflight.saved_row AS r ON r.saved_id = s.id
WHERE s.relation = 'platform.users' AND s.value_names = '{active_org_id}' AND s.is_kept;

-- name: filled
-- What the backfill is to give: the organization that was joined first.
SELECT u.id, (
  SELECT org_id FROM platform.org_members AS m
  WHERE m.user_id = u.id ORDER BY joined_at, org_id LIMIT 1
) AS org
FROM platform.users AS u;

-- name: memberships
SELECT user_id, array_agg(org_id ORDER BY org_id) FROM platform.org_members GROUP BY user_id;

-- name: transactions
-- Committed ones that changed the schema of the application as a whole.
SELECT count(DISTINCT xid) FROM witness.ddl WHERE application LIKE 'pgflight apply %';

-- name: fills
-- How often pgflight has filled one user's empty column: more than once is once too often.
SELECT coalesce(max(times), 0) FROM (
  SELECT count(*) AS times FROM witness.change
  WHERE application LIKE 'pgflight %' AND was IS NULL
  GROUP BY user_id, attnum
) AS filled;

-- name: overwritten
-- Values that pgflight has replaced by something else.
SELECT user_id, became::uuid FROM witness.change
WHERE application LIKE 'pgflight %' AND was IS NOT NULL AND became IS NOT NULL;

-- name: clients
SELECT count(*) FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'pgflight %';
