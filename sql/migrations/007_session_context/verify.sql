-- 007, verified: what a session sees, on rows of our own.
--
-- Runs as the deploying role in a transaction that is always rolled back. It locks
-- no row that anybody else can see. An error means that the migration is bad.

DO $verify$
DECLARE
    our_org uuid := gen_random_uuid();
BEGIN
    PERFORM set_config('platform.org_id', '', true);
    IF platform.current_org_id() IS NOT NULL THEN
        RAISE EXCEPTION 'current_org_id answers without a session organization';
    END IF;

    PERFORM set_config('platform.org_id', our_org::text, true);
    IF platform.current_org_id() IS DISTINCT FROM our_org THEN
        RAISE EXCEPTION 'current_org_id does not answer the session''s organization';
    END IF;

    IF has_function_privilege('public', 'platform.current_org_id()', 'EXECUTE') THEN
        RAISE EXCEPTION 'PUBLIC may execute platform.current_org_id()';
    END IF;
    IF NOT has_function_privilege(
        'platform_app', 'platform.current_org_id()', 'EXECUTE'
    ) THEN
        RAISE EXCEPTION 'platform_app may not execute platform.current_org_id()';
    END IF;
END
$verify$;

DO $verify$
DECLARE
    unprotected regclass;
BEGIN
    SELECT oid::regclass INTO unprotected
    FROM pg_class
    WHERE oid IN (
        'platform.organizations'::regclass, 'platform.org_members'::regclass
    )
        AND NOT relrowsecurity;
    IF FOUND THEN
        RAISE EXCEPTION 'row level security is off on %', unprotected;
    END IF;
END
$verify$;

-- The owner sees every row, so the policies can be tried as the application's role
-- only: where the deploying role may become it.
DO $verify$
DECLARE
    someone uuid := gen_random_uuid();
    our_org uuid := gen_random_uuid();
    foreign_org uuid := gen_random_uuid();
BEGIN
    INSERT INTO platform.organizations (id, name)
    VALUES (our_org, 'verify 007, ours'), (foreign_org, 'verify 007, foreign');
    INSERT INTO platform.users (id, email, display_name, password_hash)
    VALUES (someone, someone || '@verify.invalid', 'verify 007', '!');
    INSERT INTO platform.org_members (user_id, org_id)
    VALUES (someone, our_org), (someone, foreign_org);

    BEGIN
        SET LOCAL ROLE platform_app;
    EXCEPTION WHEN insufficient_privilege THEN
        RETURN;
    END;

    PERFORM set_config('platform.org_id', our_org::text, true);
    IF (SELECT array_agg(id) FROM platform.organizations) IS DISTINCT FROM ARRAY[our_org]
    THEN
        RAISE EXCEPTION 'platform_app sees organizations of other sessions';
    END IF;
    IF (SELECT array_agg(org_id) FROM platform.org_members) IS DISTINCT FROM ARRAY[our_org]
    THEN
        RAISE EXCEPTION 'platform_app sees members of other organizations';
    END IF;

    PERFORM set_config('platform.org_id', '', true);
    IF EXISTS (SELECT FROM platform.org_members)
        OR EXISTS (SELECT FROM platform.organizations)
    THEN
        RAISE EXCEPTION 'platform_app sees rows without a session organization';
    END IF;
END
$verify$;
