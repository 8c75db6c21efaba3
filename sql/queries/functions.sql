-- name: select_functions
-- As they are, by name, with their overloads. The rights are written out, also those
-- that are there by default.
SELECT p.oid::pg_catalog.regprocedure::text AS signature,
       pg_catalog.pg_get_functiondef(p.oid) AS definition,
       pg_catalog.pg_get_userbyid(p.proowner)::text AS owner,
       pg_catalog.obj_description(p.oid, 'pg_proc') AS comment,
       (SELECT coalesce(pg_catalog.jsonb_agg(
                 pg_catalog.jsonb_build_array(
                   CASE a.grantee WHEN 0::oid THEN '' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END,
                   a.is_grantable)
                 ORDER BY a.place), '[]')
        FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)))
               WITH ORDINALITY AS a (grantor, grantee, privilege, is_grantable, place)
       ) AS grants
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE (p.proname = ANY (%(names)s::name[]) OR p.oid = ANY (%(oids)s::oid[]))
  AND p.prokind <> 'a'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pgflight')
  AND n.nspname NOT LIKE 'pg\_temp\_%%';

-- name: note_function
-- Of several steps that replace it only the first has seen it as it was.
INSERT INTO pgflight.replaced_function (run_id, signature, definition, owner, grants, comment)
VALUES (%(run_id)s, %(signature)s, %(definition)s, %(owner)s, %(grants)s, %(comment)s)
ON CONFLICT DO NOTHING;

-- name: select_replaced_functions
SELECT signature, definition, owner, grants, comment
FROM pgflight.replaced_function
WHERE run_id = %(run_id)s
ORDER BY signature;

-- name: resolve_function
-- NULL where there is none; without types: whichever has the name.
SELECT CASE WHEN %(has_types)s
         THEN pg_catalog.to_regprocedure(%(name)s)::oid
         ELSE pg_catalog.to_regproc(%(name)s)::oid END AS oid;

-- name: believe_bodies
-- What a body names may only be put back by a later statement.
SELECT pg_catalog.current_setting('check_function_bodies') AS before,
       pg_catalog.set_config('check_function_bodies', 'off', true) AS now;
