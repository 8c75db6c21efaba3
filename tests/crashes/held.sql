-- What holds runs at chosen points of theirs, on the server. Run by a superuser.

CREATE SCHEMA held;
GRANT USAGE ON SCHEMA held TO PUBLIC;

-- Closed points, and for which application_name.
CREATE TABLE held.gate (
    point text NOT NULL,
    who text NOT NULL
);

-- What is to fail, likewise.
CREATE TABLE held.failure (
    point text NOT NULL,
    who text NOT NULL
);

-- Whoever waits here holds an advisory lock, which others can see.
CREATE FUNCTION held.wait(which text) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
AS $function$
BEGIN
    WHILE EXISTS (
        SELECT FROM held.gate
        WHERE point = which AND current_setting('application_name') LIKE who
    ) LOOP
        PERFORM pg_try_advisory_xact_lock(7, 7);
        PERFORM pg_sleep(0.01);
    END LOOP;
    IF EXISTS (
        SELECT FROM held.failure
        WHERE point = which AND current_setting('application_name') LIKE who
    ) THEN
        RAISE EXCEPTION '% was to fail', which;
    END IF;
    RETURN true;
END
$function$;

CREATE FUNCTION held.wait() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM held.wait(TG_ARGV[0]);
    RETURN NEW;
END
$function$;

CREATE TRIGGER held_fill
    BEFORE UPDATE ON platform.users
    FOR EACH ROW EXECUTE FUNCTION held.wait('fill');

CREATE TRIGGER held_started
    BEFORE INSERT ON pgflight.event
    FOR EACH ROW WHEN (NEW.kind = 'started') EXECUTE FUNCTION held.wait('started');

CREATE TRIGGER held_accepted
    BEFORE UPDATE ON pgflight.run
    FOR EACH ROW WHEN (NEW.state = 'accepted') EXECUTE FUNCTION held.wait('accepted');
