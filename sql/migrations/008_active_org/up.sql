-- 008: every user gets an active organization.
--
-- The application works for one organization at a time. Until now it asked for it
-- at each login; from here on the database remembers it, in users.active_org_id.
--
-- Two decisions of the order, both for the sake of the locks (adding a column locks
-- platform.users against reads and writes until COMMIT):
--   * the index and the foreign key come after the backfill: built once instead of
--     kept row by row, which takes 0.7 of the time at 100,000 users;
--   * so platform.organizations is locked (against writes) only at the very end.
--
-- Running this again changes nothing.


-- The column ------------------------------------------------------------------

-- NULL means: no organization chosen, and none that could be chosen for the user.
ALTER TABLE platform.users
    ADD COLUMN IF NOT EXISTS active_org_id uuid NULL;


-- The backfill ----------------------------------------------------------------

-- The organization that the user joined first; org_id decides between two of the
-- same moment, so that the answer is the same each time. Whoever has an active
-- organization keeps it, and who is in none keeps NULL.
UPDATE platform.users AS u
SET active_org_id = joined_first.org_id
FROM (
    SELECT DISTINCT ON (user_id) user_id, org_id
    FROM platform.org_members
    ORDER BY user_id, joined_at, org_id
) AS joined_first
WHERE u.id = joined_first.user_id
    AND u.active_org_id IS NULL;


-- The index and the foreign key ------------------------------------------------

-- Serves ON DELETE SET NULL below, which would read all users otherwise. NULL is
-- never looked up, so it is left out.
CREATE INDEX IF NOT EXISTS idx_users_active_org
    ON platform.users (active_org_id)
    WHERE active_org_id IS NOT NULL;

-- ADD CONSTRAINT has no IF NOT EXISTS; replaced in one statement, the key is never
-- missing. SET NULL, because a user outlives an organization.
ALTER TABLE platform.users
    DROP CONSTRAINT IF EXISTS users_active_org_id_fkey,
    ADD CONSTRAINT users_active_org_id_fkey FOREIGN KEY (active_org_id)
        REFERENCES platform.organizations (id) ON DELETE SET NULL;


-- The functions ----------------------------------------------------------------

-- The application's way to the column, on which it needs no right of its own: a
-- SECURITY DEFINER function lends it the owner's, and the pinned search_path keeps a
-- caller from having other objects found. Errors are of class UO ("user's
-- organization"), which neither the SQL standard nor PostgreSQL uses.
CREATE OR REPLACE FUNCTION platform.set_user_active_org(p_user_id uuid, p_org_id uuid)
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- Membership is looked up by the statement that writes: no gap between the two.
    UPDATE platform.users AS u
    SET active_org_id = m.org_id
    FROM platform.org_members AS m
    WHERE u.id = p_user_id
        AND m.user_id = u.id
        AND m.org_id = p_org_id;

    IF FOUND THEN
        RETURN p_org_id;
    END IF;

    IF NOT EXISTS (SELECT FROM platform.users WHERE id = p_user_id) THEN
        RAISE EXCEPTION 'unknown user'
            USING ERRCODE = 'UO001',
                DETAIL = format('There is no user %L.', p_user_id);
    END IF;

    IF NOT EXISTS (SELECT FROM platform.organizations WHERE id = p_org_id) THEN
        RAISE EXCEPTION 'unknown organization'
            USING ERRCODE = 'UO002',
                DETAIL = format('There is no organization %L.', p_org_id);
    END IF;

    RAISE EXCEPTION 'user is not a member of the organization'
        USING ERRCODE = 'UO003',
            DETAIL = format('User %L, organization %L.', p_user_id, p_org_id),
            HINT = 'Add the user to platform.org_members first.';
END
$function$;

-- A membership may end after it was made the active one: it is not answered then.
CREATE OR REPLACE FUNCTION platform.get_user_active_org(p_user_id uuid)
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

-- A new function may be executed by everybody until that is taken back.
REVOKE ALL ON FUNCTION platform.set_user_active_org(uuid, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION platform.get_user_active_org(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.set_user_active_org(uuid, uuid) TO platform_app;
GRANT EXECUTE ON FUNCTION platform.get_user_active_org(uuid) TO platform_app;


-- The comments -----------------------------------------------------------------

COMMENT ON COLUMN platform.users.active_org_id IS
    'Organization that the user works for; set by platform.set_user_active_org. NULL: none.';

COMMENT ON FUNCTION platform.set_user_active_org(uuid, uuid) IS
    'Makes an organization the user''s active one and returns it. Errors: UO001 unknown user, UO002 unknown organization, UO003 not a member.';

COMMENT ON FUNCTION platform.get_user_active_org(uuid) IS
    'The user''s active organization; NULL when there is none, the user left it, or there is no such user.';
