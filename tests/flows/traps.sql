-- What anybody may do who may CREATE in a schema of the search_path (everybody, in
-- databases that were made before PostgreSQL 15): operators for pairs of types for which
-- pg_catalog has none that fits exactly. Each of them stops who calls it.

SET search_path = pg_catalog;

DO $traps$
DECLARE
  kinds CONSTANT regtype[] := ARRAY[
    'oid', 'regclass', 'regprocedure', 'regproc', 'regtype', 'regrole', 'regnamespace',
    'int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'bool', 'date', 'text', 'varchar', 'name', '"char"',
    'xid', 'xid8', 'text[]', 'name[]', 'oid[]', 'int2[]', 'int4[]', 'int8[]',
    'int2vector', 'oidvector', 'json', 'jsonb', 'timestamptz', 'timestamp', 'interval'];
  signs CONSTANT text[] := '{=,<>,<,>,<=,>=,+,-,*,/,||,~~,@>,<@}';
  l regtype;
  r regtype;
  sign text;
  missing text[];
BEGIN
  FOREACH l IN ARRAY kinds LOOP
    FOREACH r IN ARRAY kinds LOOP
      SELECT array_agg(s) INTO missing
      FROM unnest(signs) AS s
      WHERE NOT EXISTS (
        SELECT FROM pg_operator AS o
        WHERE o.oprname = s AND o.oprleft = l AND o.oprright = r
          AND o.oprnamespace = 'pg_catalog'::regnamespace);
      CONTINUE WHEN missing IS NULL;
      EXECUTE format(
        $f$CREATE FUNCTION public.trap(%1$s, %2$s) RETURNS boolean LANGUAGE plpgsql AS $b$
        BEGIN
          RAISE EXCEPTION 'sprung by %%: %1$s and %2$s', current_user;
        END $b$$f$, l, r);
      FOREACH sign IN ARRAY missing LOOP
        EXECUTE format(
          'CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.trap)',
          sign, l, r);
      END LOOP;
    END LOOP;
  END LOOP;
END $traps$;

RESET search_path;
