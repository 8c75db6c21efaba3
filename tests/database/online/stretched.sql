-- Stretches the world: four users a page, so that a small table is many batches, and
-- a gate that an online deployment's batches can be held at. Run by a superuser.

-- Values of a fixed width, never compressed: a new version of a row finds no place on
-- its page and moves.
ALTER TABLE platform.users ALTER COLUMN display_name SET STORAGE PLAIN;
UPDATE platform.users SET display_name = rpad(display_name, 1800, 'x');
VACUUM FULL platform.users;

-- Room in front: the rows that move first move behind a scan that has begun.
DELETE FROM platform.users WHERE ctid < '(4,0)';
VACUUM ANALYZE platform.users;

-- Closed while it has a row.
CREATE TABLE public.gate (closed boolean NOT NULL);
ALTER TABLE public.gate OWNER TO platform_owner;

-- Each row that a step of ours changes takes stretched.row_s seconds, and stops at
-- the gate. Whoever waits there holds an advisory lock, which others can see.
CREATE FUNCTION public.pass_gate() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
AS $function$
BEGIN
    IF current_setting('application_name') NOT LIKE 'pgflight step-%' THEN
        RETURN NEW;
    END IF;
    PERFORM pg_sleep(nullif(current_setting('stretched.row_s', true), '')::float8);
    WHILE EXISTS (SELECT FROM public.gate) LOOP
        PERFORM pg_try_advisory_xact_lock(7, 7);
        PERFORM pg_sleep(0.005);
    END LOOP;
    RETURN NEW;
END
$function$;

CREATE TRIGGER pass_gate
    BEFORE UPDATE ON platform.users
    FOR EACH ROW EXECUTE FUNCTION public.pass_gate();
