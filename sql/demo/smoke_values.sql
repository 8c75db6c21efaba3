-- A user of two organizations, the one of them joined last, and one of neither.
SELECT
    twice.user_id,
    twice.org_ids[2] AS org_id,
    (
        SELECT id
        FROM platform.organizations
        WHERE id <> ALL (twice.org_ids)
        ORDER BY created_at
        LIMIT 1
    ) AS other_org_id
FROM (
    SELECT user_id, array_agg(org_id ORDER BY joined_at) AS org_ids
    FROM platform.org_members
    GROUP BY user_id
    HAVING count(*) = 2
    ORDER BY user_id
    LIMIT 1
) AS twice
