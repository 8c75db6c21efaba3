-- 007: the application sees the organization of its session, and no other.
--
-- The session context middleware sets platform.org_id in each transaction, from the
-- organization that the request works for; the policies below compare with it. A
-- session that has not set it sees no row at all, which is why this must not be
-- deployed before the middleware.
--
-- The owner of the tables is not restricted (no FORCE): migrations, and functions
-- that check membership themselves, have to see every organization. Nor is
-- platform.users: a login finds its user before any organization is known.
--
-- Running this again changes nothing.


-- The session's organization -----------------------------------------------------

-- Unset and empty (what SET LOCAL leaves behind on a pooled connection) are both
-- NULL, which no row equals. Anything else that is no uuid is an error.
CREATE OR REPLACE FUNCTION platform.current_org_id()
RETURNS uuid
LANGUAGE sql
STABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT nullif(current_setting('platform.org_id', true), '')::uuid
$function$;

REVOKE ALL ON FUNCTION platform.current_org_id() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.current_org_id() TO platform_app;

COMMENT ON FUNCTION platform.current_org_id() IS
    'Organization of this session: the setting platform.org_id; NULL when it is not set.';


-- The policies -------------------------------------------------------------------

-- Policies before row security: with it on and no policy, nothing would be visible.
-- The sub-select makes the function run once a statement, not once a row.
DROP POLICY IF EXISTS organizations_of_session ON platform.organizations;
CREATE POLICY organizations_of_session ON platform.organizations
    FOR ALL
    TO platform_app
    USING (id = (SELECT platform.current_org_id()))
    WITH CHECK (id = (SELECT platform.current_org_id()));

COMMENT ON POLICY organizations_of_session ON platform.organizations IS
    'The application sees the organization of its session only.';

DROP POLICY IF EXISTS org_members_of_session ON platform.org_members;
CREATE POLICY org_members_of_session ON platform.org_members
    FOR ALL
    TO platform_app
    USING (org_id = (SELECT platform.current_org_id()))
    WITH CHECK (org_id = (SELECT platform.current_org_id()));

COMMENT ON POLICY org_members_of_session ON platform.org_members IS
    'The application sees the members of its session''s organization only.';

ALTER TABLE platform.organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform.org_members ENABLE ROW LEVEL SECURITY;
