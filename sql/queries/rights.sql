-- name: select_role
SELECT oid, rolsuper AS is_superuser
FROM pg_catalog.pg_roles
WHERE rolname = %(role)s;

-- name: select_owned_by
-- Of these tables those that the role owns, by itself or through a role that it is in.
SELECT c.oid::regclass::text AS table
FROM pg_catalog.pg_class AS c
WHERE c.oid = ANY (%(tables)s::oid[])
  AND pg_catalog.pg_has_role(%(role)s::oid, c.relowner, 'USAGE')
ORDER BY 1;

-- name: select_relation_rights
-- %%(names)s and %%(oids)s go together.
SELECT c.oid::bigint AS oid,
       wanted.name,
       CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' ELSE 'table' END AS kind,
       c.relispartition AS is_partition,
       pg_catalog.quote_ident(n.nspname) AS schema_name,
       pg_catalog.has_schema_privilege(%(role)s::oid, n.oid, 'USAGE') AS may_enter,
       CASE WHEN c.relkind = 'S'
         THEN ARRAY(SELECT p FROM pg_catalog.unnest('{USAGE,SELECT,UPDATE}'::text[]) AS p
                    WHERE pg_catalog.has_sequence_privilege(%(role)s::oid, c.oid, p))
         ELSE ARRAY(SELECT p FROM pg_catalog.unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS p
                    WHERE pg_catalog.has_table_privilege(%(role)s::oid, c.oid, p)) END AS whole,
       (SELECT coalesce(
                 pg_catalog.json_object_agg(
                   a.attname,
                   ARRAY(SELECT p FROM pg_catalog.unnest('{SELECT,INSERT,UPDATE}'::text[]) AS p
                         WHERE pg_catalog.has_column_privilege(%(role)s::oid, c.oid, a.attnum, p))
                   ORDER BY a.attnum),
                 '{}')
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'S') AS columns,
       ARRAY(SELECT DISTINCT pg_catalog.format('%%I.%%I', sn.nspname, s.relname)
             FROM pg_catalog.pg_attrdef AS d
             JOIN pg_catalog.pg_depend AS uses
               ON uses.classid = 'pg_catalog.pg_attrdef'::regclass::oid
               AND uses.objid = d.oid
               AND uses.refclassid = 'pg_catalog.pg_class'::regclass::oid
             JOIN pg_catalog.pg_class AS s ON s.oid = uses.refobjid
             JOIN pg_catalog.pg_namespace AS sn ON sn.oid = s.relnamespace
             WHERE d.adrelid = c.oid
               AND pg_catalog.has_any_column_privilege(%(role)s::oid, c.oid, 'INSERT')
               -- CASE, or it is asked of tables first, which is an error.
               AND CASE WHEN s.relkind = 'S'
                        THEN NOT pg_catalog.has_sequence_privilege(%(role)s::oid, s.oid, 'USAGE, UPDATE')
                        ELSE false END
             ORDER BY 1) AS closed_sequences
FROM ROWS FROM (pg_catalog.unnest(%(names)s::text[]), pg_catalog.unnest(%(oids)s::oid[])) AS wanted (name, oid)
JOIN pg_catalog.pg_class AS c ON c.oid = wanted.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY wanted.name;

-- name: select_routine_rights
SELECT p.oid::bigint AS oid,
       pg_catalog.format('%%I.%%I(%%s)', n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes)) AS signature,
       CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS kind,
       p.prorettype IN ('pg_catalog.trigger'::regtype::oid, 'pg_catalog.event_trigger'::regtype::oid) AS is_trigger,
       pg_catalog.quote_ident(n.nspname) AS schema_name,
       pg_catalog.has_schema_privilege(%(role)s::oid, n.oid, 'USAGE') AS may_enter,
       pg_catalog.has_function_privilege(%(role)s::oid, p.oid, 'EXECUTE') AS may_execute,
       acl.is_granted,
       acl.is_for_others,
       EXISTS (SELECT FROM pg_catalog.unnest(%(made)s::text[]) AS made
               WHERE pg_catalog.to_regprocedure(made)::oid = p.oid) AS is_made
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
CROSS JOIN LATERAL (
  SELECT coalesce(pg_catalog.bool_or(a.grantee <> 0::oid AND pg_catalog.pg_has_role(%(role)s::oid, a.grantee, 'USAGE')), false) AS is_granted,
         pg_catalog.count(*) > 0 AS is_for_others
  FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a
  WHERE a.grantee <> p.proowner AND a.privilege_type = 'EXECUTE') AS acl
WHERE p.proname = ANY (%(names)s::name[])
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pgflight')
  AND n.nspname NOT LIKE 'pg\_temp\_%%'
ORDER BY signature;

-- name: select_schema_rights
SELECT pg_catalog.quote_ident(nspname) AS name,
       pg_catalog.has_schema_privilege(%(role)s::oid, oid, 'USAGE') AS may_enter
FROM pg_catalog.pg_namespace
WHERE pg_catalog.quote_ident(nspname) = ANY (%(names)s::text[])
ORDER BY 1;

-- name: note_rights
INSERT INTO pgflight.application_right (run_id, role, rights)
VALUES (%(run_id)s, %(role)s, %(rights)s)
ON CONFLICT DO NOTHING;

-- name: select_noted_rights
-- Of a role that has taken another one's place nothing was noted.
SELECT rights
FROM pgflight.application_right
WHERE run_id = %(run_id)s
  AND role = %(role)s;
