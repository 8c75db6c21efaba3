-- name: select_column
SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       NOT a.attnotnull AS nullable,
       pg_catalog.col_description(a.attrelid, a.attnum) AS comment
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = pg_catalog.to_regclass(%(table)s)::oid
  AND a.attname = %(name)s
  AND a.attnum > 0
  AND NOT a.attisdropped;

-- name: select_type_name
-- A value of a domain has the domain's base type on the wire, so the name counts.
SELECT pg_catalog.format_type(named.oid, CASE WHEN named.oid = %(oid)s::oid THEN %(modifier)s::int ELSE -1 END) AS type
FROM (SELECT coalesce(pg_catalog.to_regtype(%(type)s)::oid, %(oid)s::oid) AS oid) AS named;

-- name: select_result_type
SELECT pg_catalog.to_regtype(%(type)s)::text AS type;

-- name: select_index
SELECT i.indrelid::regclass::text AS table,
       i.indrelid = pg_catalog.to_regclass(%(table)s)::oid AS is_on_table,
       i.indisunique AS unique,
       i.indisvalid AND i.indisready AS valid,
       m.amname::text AS method,
       (SELECT pg_catalog.array_agg(pg_catalog.pg_get_indexdef(i.indexrelid, n, true) ORDER BY n)
        FROM pg_catalog.generate_series(1, i.indnkeyatts) AS n) AS columns,
       pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS predicate
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
WHERE i.indexrelid = pg_catalog.to_regclass(%(name)s)::oid;

-- name: select_foreign_keys
-- Every foreign key over exactly these columns, in this order.
SELECT k.conname::text AS name,
       k.confrelid::regclass::text AS references,
       k.confrelid = pg_catalog.to_regclass(%(references)s)::oid AS is_to_table,
       k.convalidated AS validated,
       CASE k.confdeltype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
                          WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END AS on_delete,
       CASE k.confupdtype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
                          WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END AS on_update,
       (SELECT pg_catalog.array_agg(a.attname::text ORDER BY u.n)
        FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u (attnum, n)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum
       ) AS referenced_columns
FROM pg_catalog.pg_constraint AS k
WHERE k.contype = 'f'
  AND k.conrelid = pg_catalog.to_regclass(%(table)s)::oid
  AND k.conparentid = 0::oid
  AND %(columns)s::text[] OPERATOR(pg_catalog.=) (
    SELECT pg_catalog.array_agg(a.attname::text ORDER BY u.n)
    FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (attnum, n)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum);

-- name: select_function
SELECT p.oid::regprocedure::text AS signature,
       pg_catalog.pg_get_function_result(p.oid) AS returns,
       CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END AS volatility,
       p.prosecdef AS security_definer,
       (SELECT pg_catalog.substr(setting, pg_catalog.length('search_path=') + 1)
        FROM pg_catalog.unnest(p.proconfig) AS setting
        WHERE setting LIKE 'search\_path=%%') AS search_path,
       p.proowner::regrole::text AS owner,
       o.rolsuper AS owner_is_superuser,
       p.prosrc AS body,
       pg_catalog.obj_description(p.oid, 'pg_proc') AS comment,
       (SELECT coalesce(pg_catalog.array_agg(DISTINCT CASE acl.grantee WHEN 0::oid THEN 'PUBLIC' ELSE acl.grantee::regrole::text END), '{}')
        FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS acl
        WHERE acl.privilege_type = 'EXECUTE' AND acl.grantee <> p.proowner) AS execute
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_roles AS o ON o.oid = p.proowner
WHERE p.oid = pg_catalog.to_regprocedure(%(signature)s)::oid;

-- name: object_is_there
SELECT CASE %(kind)s
  WHEN 'function' THEN pg_catalog.to_regprocedure(%(name)s) IS NOT NULL
  WHEN 'type' THEN pg_catalog.to_regtype(%(name)s) IS NOT NULL
  WHEN 'schema' THEN pg_catalog.to_regnamespace(%(name)s) IS NOT NULL
  WHEN 'row level security' THEN EXISTS (
    SELECT FROM pg_catalog.pg_class
    WHERE oid = pg_catalog.to_regclass(coalesce(%(table)s, %(name)s)) AND relrowsecurity)
  WHEN 'column' THEN EXISTS (
    SELECT FROM pg_catalog.pg_attribute
    WHERE attrelid = pg_catalog.to_regclass(%(table)s)::oid AND attname = %(name)s AND NOT attisdropped)
  WHEN 'trigger' THEN EXISTS (
    SELECT FROM pg_catalog.pg_trigger
    WHERE tgrelid = pg_catalog.to_regclass(%(table)s)::oid AND tgname = %(name)s)
  WHEN 'policy' THEN EXISTS (
    SELECT FROM pg_catalog.pg_policy
    WHERE polrelid = pg_catalog.to_regclass(%(table)s)::oid AND polname = %(name)s)
  WHEN 'constraint' THEN EXISTS (
    SELECT FROM pg_catalog.pg_constraint
    WHERE conrelid = pg_catalog.to_regclass(%(table)s)::oid AND conname = %(name)s)
  ELSE pg_catalog.to_regclass(%(name)s) IS NOT NULL
END AS found;
