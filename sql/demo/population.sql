-- Fills the world of world.sql, the same way each time: one organization for 20
-- users (and at least three); nine users of ten are in one to three of them.
--
-- The number of users is the setting pgflight_demo.users of this session.

INSERT INTO platform.organizations (id, name, created_at)
SELECT
    md5('organization ' || o)::uuid,
    'Organization ' || o,
    timestamptz '2023-01-01 00:00:00+00' + o * interval '7 minutes'
FROM generate_series(
    1, greatest(3, current_setting('pgflight_demo.users')::bigint / 20)
) AS o;

INSERT INTO platform.users
    (id, email, display_name, password_hash, last_login_at, created_at, updated_at)
SELECT
    md5('user ' || u)::uuid,
    'user' || u || '@example.com',
    'User ' || u,
    'scrypt$16384$8$1$' || md5('salt ' || u) || md5('hash ' || u),
    CASE WHEN u % 3 <> 0
        THEN timestamptz '2025-01-01 00:00:00+00' + u % 86400 * interval '1 second'
    END,
    timestamptz '2023-06-01 00:00:00+00' + u * interval '13 seconds',
    timestamptz '2024-06-01 00:00:00+00' + u * interval '1 second'
FROM generate_series(1, current_setting('pgflight_demo.users')::bigint) AS u;

-- A user's organizations lie a third of the list apart, so they are distinct, and
-- the first in the list is not always the one joined first.
WITH organization_count AS (
    SELECT count(*) AS n FROM platform.organizations
)
INSERT INTO platform.org_members (user_id, org_id, role, joined_at)
SELECT
    md5('user ' || u)::uuid,
    md5('organization ' || 1 + (u * 7919 + nth * (n / 3)) % n)::uuid,
    CASE WHEN u % 20 = 1 THEN 'owner' WHEN u % 7 = 0 THEN 'admin' ELSE 'member' END,
    timestamptz '2024-06-01 00:00:00+00'
        + u * interval '1 second' + (u + nth) % 3 * interval '40 days'
FROM generate_series(1, current_setting('pgflight_demo.users')::bigint) AS u
CROSS JOIN organization_count
CROSS JOIN LATERAL generate_series(0, u % 3) AS nth
WHERE u % 10 <> 0;

ANALYZE platform.organizations, platform.users, platform.org_members;
