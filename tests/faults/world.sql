-- What the demo's world needs for experiments: rows on many pages, a brake, and
-- witnesses of what was done, which no code of pgflight's knows. Run by a superuser.
-- A session that is named like faults.fails fails at its first DDL statement.

-- Eight users a page, so that a small table is several batches.
UPDATE platform.users SET display_name = rpad(display_name, 900, 'x');

CREATE SCHEMA witness;

-- Each change of a user's active organization that was committed.
CREATE TABLE witness.change (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    application text NOT NULL DEFAULT current_setting('application_name'),
    user_id uuid NOT NULL,
    attnum int NOT NULL,
    was text,
    became text
);

-- Each DDL statement that was committed.
CREATE TABLE witness.ddl (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    application text NOT NULL DEFAULT current_setting('application_name'),
    tag text NOT NULL
);

-- The column that the migration adds, as the catalogue counts it: a number that was
-- used once is never used again, whatever is dropped.
CREATE FUNCTION witness.attnum() RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER
AS $function$
    SELECT coalesce(max(attnum), 0)
    FROM pg_attribute
    WHERE attrelid = 'platform.users'::regclass
        AND attname = 'active_org_id'
$function$;

-- Slows what pgflight fills down by faults.row_s seconds a row.
CREATE FUNCTION witness.note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
DECLARE
    was text := to_jsonb(OLD) ->> 'active_org_id';
    became text := to_jsonb(NEW) ->> 'active_org_id';
BEGIN
    IF was IS DISTINCT FROM became THEN
        INSERT INTO witness.change (user_id, attnum, was, became)
        VALUES (NEW.id, witness.attnum(), was, became);
        IF current_setting('application_name') LIKE 'pgflight %' THEN
            PERFORM pg_sleep(nullif(current_setting('faults.row_s', true), '')::float8);
        END IF;
    END IF;
    RETURN NEW;
END
$function$;

CREATE TRIGGER note_change
    BEFORE UPDATE ON platform.users
    FOR EACH ROW EXECUTE FUNCTION witness.note_change();

CREATE FUNCTION witness.note_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
BEGIN
    IF current_setting('application_name') LIKE nullif(current_setting('faults.fails', true), '') THEN
        RAISE EXCEPTION 'not today';
    END IF;
    IF tg_tag IN ('ALTER TABLE', 'CREATE INDEX', 'DROP INDEX', 'CREATE FUNCTION', 'DROP FUNCTION') THEN
        INSERT INTO witness.ddl (tag) VALUES (tg_tag);
    END IF;
END
$function$;

CREATE EVENT TRIGGER note_ddl ON ddl_command_end EXECUTE FUNCTION witness.note_ddl();

GRANT USAGE ON SCHEMA witness TO PUBLIC;
