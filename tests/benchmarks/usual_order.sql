-- Migration 008 as it is usually written: the column with its foreign key, the index,
-- then the backfill, so that both are kept row by row while it runs.

ALTER TABLE platform.users
    ADD COLUMN active_org_id uuid NULL
        REFERENCES platform.organizations (id) ON DELETE SET NULL;

CREATE INDEX idx_users_active_org
    ON platform.users (active_org_id)
    WHERE active_org_id IS NOT NULL;

UPDATE platform.users AS u
SET active_org_id = (
    SELECT m.org_id
    FROM platform.org_members AS m
    WHERE m.user_id = u.id
    ORDER BY m.joined_at, m.org_id
    LIMIT 1
)
WHERE u.active_org_id IS NULL;

CREATE FUNCTION platform.set_user_active_org(p_user_id uuid, p_org_id uuid)
RETURNS uuid
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    UPDATE platform.users AS u
    SET active_org_id = m.org_id
    FROM platform.org_members AS m
    WHERE u.id = p_user_id
        AND m.user_id = u.id
        AND m.org_id = p_org_id;

    IF NOT FOUND THEN
        RAISE EXCEPTION 'user is not a member of the organization';
    END IF;

    RETURN p_org_id;
END
$function$;

CREATE FUNCTION platform.get_user_active_org(p_user_id uuid)
RETURNS uuid
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT u.active_org_id
    FROM platform.users AS u
    JOIN platform.org_members AS m
        ON m.user_id = u.id AND m.org_id = u.active_org_id
    WHERE u.id = p_user_id
$function$;

REVOKE ALL ON FUNCTION platform.set_user_active_org(uuid, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION platform.get_user_active_org(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.set_user_active_org(uuid, uuid) TO platform_app;
GRANT EXECUTE ON FUNCTION platform.get_user_active_org(uuid) TO platform_app;
