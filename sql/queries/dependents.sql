-- name: resolve_dropped
-- What down.sql names, as the catalogue's own addresses; what is not there is left out.
SELECT found.classid::oid, found.objid::oid, found.objsubid
FROM ROWS FROM (
  pg_catalog.unnest(%(kinds)s::text[]),
  pg_catalog.unnest(%(names)s::text[]),
  pg_catalog.unnest(%(parts)s::text[])
) AS w (kind, name, part)
CROSS JOIN LATERAL (
  SELECT 'pg_catalog.pg_class'::regclass AS classid, pg_catalog.to_regclass(w.name)::oid AS objid, 0 AS objsubid
  WHERE w.kind = 'relation'
  UNION ALL
  SELECT 'pg_catalog.pg_class'::regclass, a.attrelid, a.attnum
  FROM pg_catalog.pg_attribute AS a
  WHERE w.kind = 'column' AND a.attrelid = pg_catalog.to_regclass(w.name)::oid AND a.attname = w.part
    AND NOT a.attisdropped
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::regclass, k.oid, 0
  FROM pg_catalog.pg_constraint AS k
  WHERE w.kind = 'constraint' AND k.conrelid = pg_catalog.to_regclass(w.name)::oid AND k.conname = w.part
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::regclass, pg_catalog.to_regprocedure(w.name)::oid, 0
  WHERE w.kind = 'function' AND w.name LIKE '%%)'
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::regclass, pg_catalog.to_regproc(w.name)::oid, 0
  WHERE w.kind = 'function' AND w.name NOT LIKE '%%)'
  UNION ALL
  SELECT 'pg_catalog.pg_type'::regclass, pg_catalog.to_regtype(w.name)::oid, 0
  WHERE w.kind = 'type'
  UNION ALL
  SELECT 'pg_catalog.pg_namespace'::regclass, pg_catalog.to_regnamespace(w.name)::oid, 0
  WHERE w.kind = 'schema'
) AS found
WHERE found.objid IS NOT NULL;

-- name: select_dependents
-- Everything that would go with these objects or keeps them from being dropped, also at
-- second hand, with the fingerprint's name for it. The objects themselves come first.
WITH RECURSIVE dropped (classid, objid, objsubid) AS (
  SELECT *
  FROM ROWS FROM (
    pg_catalog.unnest(%(classids)s::oid[]),
    pg_catalog.unnest(%(objids)s::oid[]),
    pg_catalog.unnest(%(objsubids)s::int[])
  ) AS d
),
reached (classid, objid, objsubid) AS (
  SELECT * FROM dropped
  UNION
  SELECT d.*
  FROM reached AS r
  CROSS JOIN LATERAL (
    SELECT d.classid, d.objid, d.objsubid
    FROM pg_catalog.pg_depend AS d
    WHERE d.refclassid = r.classid
      AND d.refobjid = r.objid
      AND (r.objsubid = 0 OR d.refobjsubid = r.objsubid)
      AND d.deptype IN ('n', 'a', 'i', 'P', 'S')
    UNION ALL
    -- A view depends by its rule.
    SELECT 'pg_catalog.pg_class'::regclass::oid, w.ev_class, 0
    FROM pg_catalog.pg_rewrite AS w
    WHERE r.classid = 'pg_catalog.pg_rewrite'::regclass::oid
      AND w.oid = r.objid
      AND w.rulename = '_RETURN'
  ) AS d
),
named AS (
  SELECT r.*, CASE
    WHEN c.relkind IN ('i', 'I') THEN pg_catalog.format('index %%I.%%I', n.nspname, c.relname)
    WHEN r.objsubid > 0 THEN
      (SELECT pg_catalog.format('column %%I.%%I.%%I', n.nspname, c.relname, a.attname)
       FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum = r.objsubid)
    ELSE pg_catalog.format('relation %%I.%%I', n.nspname, c.relname) END AS identity,
    CASE WHEN r.objsubid > 0 THEN 'column'
         ELSE CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                             WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index'
                             WHEN 'c' THEN 'type' WHEN 'f' THEN 'foreign table'
                             ELSE 'table' END END AS kind
  FROM reached AS r
  JOIN pg_catalog.pg_class AS c ON r.classid = 'pg_catalog.pg_class'::regclass::oid AND c.oid = r.objid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname <> 'pg_toast'
  WHERE NOT (r.objsubid > 0 AND c.relkind IN ('v', 'm', 'c'))

  UNION ALL
  SELECT r.*, pg_catalog.format('column %%I.%%I.%%I', n.nspname, c.relname, a.attname), 'column'
  FROM reached AS r
  JOIN pg_catalog.pg_attrdef AS d ON r.classid = 'pg_catalog.pg_attrdef'::regclass::oid AND d.oid = r.objid
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  JOIN pg_catalog.pg_class AS c ON c.oid = d.adrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace

  UNION ALL
  SELECT r.*, pg_catalog.format('constraint %%I on %%s', k.conname,
              coalesce(nullif(k.conrelid, 0::oid)::regclass::text, k.contypid::regtype::text)), 'constraint'
  FROM reached AS r
  JOIN pg_catalog.pg_constraint AS k ON r.classid = 'pg_catalog.pg_constraint'::regclass::oid AND k.oid = r.objid

  UNION ALL
  SELECT r.*, pg_catalog.format('trigger %%I on %%I.%%I', t.tgname, n.nspname, c.relname), 'trigger'
  FROM reached AS r
  JOIN pg_catalog.pg_trigger AS t ON r.classid = 'pg_catalog.pg_trigger'::regclass::oid AND t.oid = r.objid
  JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE NOT t.tgisinternal

  UNION ALL
  SELECT r.*, pg_catalog.format('policy %%I on %%I.%%I', p.polname, n.nspname, c.relname), 'policy'
  FROM reached AS r
  JOIN pg_catalog.pg_policy AS p ON r.classid = 'pg_catalog.pg_policy'::regclass::oid AND p.oid = r.objid
  JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace

  UNION ALL
  SELECT r.*, pg_catalog.format('rule %%I on %%I.%%I', w.rulename, n.nspname, c.relname), 'rule'
  FROM reached AS r
  JOIN pg_catalog.pg_rewrite AS w ON r.classid = 'pg_catalog.pg_rewrite'::regclass::oid AND w.oid = r.objid
  JOIN pg_catalog.pg_class AS c ON c.oid = w.ev_class
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE w.rulename <> '_RETURN'

  UNION ALL
  SELECT r.*, pg_catalog.format('function %%s', p.oid::regprocedure), 'function'
  FROM reached AS r
  JOIN pg_catalog.pg_proc AS p ON r.classid = 'pg_catalog.pg_proc'::regclass::oid AND p.oid = r.objid

  UNION ALL
  SELECT r.*, pg_catalog.format('type %%s', t.oid::regtype), 'type'
  FROM reached AS r
  JOIN pg_catalog.pg_type AS t ON r.classid = 'pg_catalog.pg_type'::regclass::oid AND t.oid = r.objid
  WHERE t.typtype IN ('d', 'e', 'r')
)
SELECT identity, min(kind) AS kind,
       bool_or(EXISTS (SELECT FROM dropped AS d
                       WHERE (d.classid, d.objid, d.objsubid) = (n.classid, n.objid, n.objsubid))) AS is_dropped
FROM named AS n
GROUP BY identity
ORDER BY identity;

-- name: select_bodies
-- Of functions whose body is text, so that the server does not know what it names.
SELECT pg_catalog.format('function %%s', p.oid::regprocedure) AS identity, p.prosrc AS body
FROM pg_catalog.pg_proc AS p
WHERE p.prosqlbody IS NULL
  AND pg_catalog.format('function %%s', p.oid::regprocedure) = ANY (%(identities)s);
