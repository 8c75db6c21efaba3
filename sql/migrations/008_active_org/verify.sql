-- 008, verified: what the functions do, on rows of our own.
--
-- Runs as the deploying role in a transaction that is always rolled back. It locks
-- no row that anybody else can see. An error means that the migration is bad.

DO $verify$
DECLARE
    someone uuid := gen_random_uuid();
    first_org uuid := gen_random_uuid();
    second_org uuid := gen_random_uuid();
    foreign_org uuid := gen_random_uuid();
    nobody uuid := gen_random_uuid();
    nowhere uuid := gen_random_uuid();
    answer uuid;
BEGIN
    INSERT INTO platform.organizations (id, name)
    VALUES
        (first_org, 'verify 008, first'),
        (second_org, 'verify 008, second'),
        (foreign_org, 'verify 008, foreign');

    INSERT INTO platform.users (id, email, display_name, password_hash)
    VALUES (someone, someone || '@verify.invalid', 'verify 008', '!');

    INSERT INTO platform.org_members (user_id, org_id)
    VALUES (someone, first_org), (someone, second_org);

    -- Nothing chosen, nothing answered.
    IF platform.get_user_active_org(someone) IS NOT NULL THEN
        RAISE EXCEPTION 'get_user_active_org answers a user who has chosen nothing';
    END IF;

    -- A member is let in, and may switch.
    FOREACH answer IN ARRAY ARRAY[first_org, second_org] LOOP
        IF platform.set_user_active_org(someone, answer) IS DISTINCT FROM answer THEN
            RAISE EXCEPTION 'set_user_active_org does not return what was set';
        END IF;
        IF platform.get_user_active_org(someone) IS DISTINCT FROM answer THEN
            RAISE EXCEPTION 'get_user_active_org does not return what was set';
        END IF;
    END LOOP;

    -- Everybody else is refused, each with an error of its own.
    BEGIN
        PERFORM platform.set_user_active_org(someone, foreign_org);
        RAISE EXCEPTION 'set_user_active_org accepts a user who is not a member';
    EXCEPTION WHEN SQLSTATE 'UO003' THEN NULL;
    END;
    BEGIN
        PERFORM platform.set_user_active_org(nobody, first_org);
        RAISE EXCEPTION 'set_user_active_org accepts an unknown user';
    EXCEPTION WHEN SQLSTATE 'UO001' THEN NULL;
    END;
    BEGIN
        PERFORM platform.set_user_active_org(someone, nowhere);
        RAISE EXCEPTION 'set_user_active_org accepts an unknown organization';
    EXCEPTION WHEN SQLSTATE 'UO002' THEN NULL;
    END;

    -- A refusal leaves the choice alone.
    IF platform.get_user_active_org(someone) IS DISTINCT FROM second_org THEN
        RAISE EXCEPTION 'a refused set_user_active_org changed the active organization';
    END IF;

    -- Who has left is not there any more.
    DELETE FROM platform.org_members WHERE user_id = someone AND org_id = second_org;
    IF platform.get_user_active_org(someone) IS NOT NULL THEN
        RAISE EXCEPTION 'get_user_active_org answers an organization the user left';
    END IF;

    -- An organization goes, its users stay.
    PERFORM platform.set_user_active_org(someone, first_org);
    DELETE FROM platform.organizations WHERE id = first_org;
    SELECT active_org_id INTO STRICT answer FROM platform.users WHERE id = someone;
    IF answer IS NOT NULL THEN
        RAISE EXCEPTION 'users.active_org_id names an organization that is deleted';
    END IF;
END
$verify$;

DO $verify$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY[
        'platform.set_user_active_org(uuid,uuid)',
        'platform.get_user_active_org(uuid)'
    ] LOOP
        IF has_function_privilege('public', signature, 'EXECUTE') THEN
            RAISE EXCEPTION 'PUBLIC may execute %', signature;
        END IF;
        IF NOT has_function_privilege('platform_app', signature, 'EXECUTE') THEN
            RAISE EXCEPTION 'platform_app may not execute %', signature;
        END IF;
    END LOOP;
END
$verify$;

-- The functions lend their owner's rights, so the application's role needs none on
-- the tables. Tried as that role where the deploying role may become it.
DO $verify$
BEGIN
    BEGIN
        SET LOCAL ROLE platform_app;
    EXCEPTION WHEN insufficient_privilege THEN
        RETURN;
    END;

    PERFORM platform.get_user_active_org(gen_random_uuid());
    BEGIN
        PERFORM platform.set_user_active_org(gen_random_uuid(), gen_random_uuid());
        RAISE EXCEPTION 'set_user_active_org accepts an unknown user';
    EXCEPTION WHEN SQLSTATE 'UO001' THEN NULL;
    END;
END
$verify$;
