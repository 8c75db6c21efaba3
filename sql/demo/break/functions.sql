-- A bad function: anybody may enter any organization.
-- The demo appends this to up.sql of 008 (BREAK=functions).

CREATE OR REPLACE FUNCTION platform.set_user_active_org(p_user_id uuid, p_org_id uuid)
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    UPDATE platform.users SET active_org_id = p_org_id WHERE id = p_user_id;
    RETURN p_org_id;
END
$function$;
