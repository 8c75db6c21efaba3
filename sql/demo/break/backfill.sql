-- A bad backfill: some users are missed, and some get an organization of others.
-- The demo appends this to up.sql of 008 (BREAK=backfill).

UPDATE platform.users
SET active_org_id = NULL
WHERE active_org_id IS NOT NULL AND left(id::text, 1) = '0';

UPDATE platform.users AS u
SET active_org_id = (
    SELECT o.id
    FROM platform.organizations AS o
    WHERE NOT EXISTS (
        SELECT FROM platform.org_members AS m
        WHERE m.user_id = u.id AND m.org_id = o.id
    )
    LIMIT 1
)
WHERE u.active_org_id IS NOT NULL AND left(u.id::text, 1) = '1';
