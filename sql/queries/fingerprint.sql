-- name: pin_names
SELECT pg_catalog.set_config('search_path', '', true);

-- name: select_fingerprint
-- Every object that a migration can make or change, with a hash of all that
-- pg_dump would write about it. Objects of extensions, of the ledger and of the
-- system are left out. Columns count by their order, not by attnum: a column
-- that was dropped leaves a hole there. Rights count as a set, with the defaults
-- written out: GRANT and REVOKE leave another list behind, and the same rights.
WITH namespace AS (
  SELECT oid, nspname, nspowner, nspacl
  FROM pg_catalog.pg_namespace
  WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pgflight')
    AND nspname NOT LIKE 'pg\_toast%%'
    AND nspname NOT LIKE 'pg\_temp\_%%'
),
extension_object AS (
  SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
),
relation AS (
  SELECT c.*, n.nspname
  FROM pg_catalog.pg_class AS c
  JOIN namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I', 'c')
    AND NOT EXISTS (
      SELECT FROM extension_object AS e
      WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid)
),
object (identity, definition) AS (
  SELECT pg_catalog.format('schema %%I', nspname),
         ROW(nspowner::regrole, (SELECT pg_catalog.array_agg(e::text ORDER BY e::text) FROM pg_catalog.aclexplode(coalesce(nspacl, pg_catalog.acldefault('n', nspowner))) AS e), pg_catalog.obj_description(oid, 'pg_namespace'))
  FROM namespace

  UNION ALL
  SELECT pg_catalog.format('relation %%I.%%I', r.nspname, r.relname),
         ROW(r.relkind, r.relowner::regrole,
                   (SELECT pg_catalog.array_agg(e::text ORDER BY e::text) FROM pg_catalog.aclexplode(coalesce(r.relacl, pg_catalog.acldefault(CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", r.relowner))) AS e),
                   r.reloptions, r.relpersistence,
                   r.relrowsecurity, r.relforcerowsecurity, r.relreplident, r.reltablespace,
                   pg_catalog.pg_get_expr(r.relpartbound, r.oid), pg_catalog.pg_get_partkeydef(r.oid),
                   (SELECT pg_catalog.array_agg(h.inhparent::regclass::text ORDER BY h.inhseqno)
                    FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = r.oid),
                   pg_catalog.obj_description(r.oid, 'pg_class'),
                   CASE WHEN r.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(r.oid) END)
  FROM relation AS r
  WHERE r.relkind NOT IN ('i', 'I')

  UNION ALL
  SELECT pg_catalog.format('column %%I.%%I.%%I', r.nspname, r.relname, a.attname),
         ROW(pg_catalog.row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum),
                   pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                   a.attcollation, a.attstorage, a.attcompression, a.attoptions,
                   (SELECT pg_catalog.array_agg(e::text ORDER BY e::text) FROM pg_catalog.aclexplode(a.attacl) AS e), a.attstattarget,
                   pg_catalog.pg_get_expr(d.adbin, d.adrelid), pg_catalog.col_description(a.attrelid, a.attnum))
  FROM relation AS r
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE r.relkind NOT IN ('i', 'I', 'S')

  UNION ALL
  SELECT pg_catalog.format('index %%I.%%I', r.nspname, r.relname),
         ROW(pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready, i.indisclustered,
                   i.indisreplident, r.reltablespace, pg_catalog.obj_description(r.oid, 'pg_class'))
  FROM relation AS r
  JOIN pg_catalog.pg_index AS i ON i.indexrelid = r.oid

  UNION ALL
  SELECT pg_catalog.format('constraint %%I on %%s', k.conname,
                coalesce(nullif(k.conrelid, 0)::regclass::text, k.contypid::regtype::text)),
         ROW(k.contype, pg_catalog.pg_get_constraintdef(k.oid), k.convalidated,
                   pg_catalog.obj_description(k.oid, 'pg_constraint'))
  FROM pg_catalog.pg_constraint AS k
  JOIN namespace AS n ON n.oid = k.connamespace

  UNION ALL
  SELECT pg_catalog.format('trigger %%I on %%I.%%I', t.tgname, r.nspname, r.relname),
         ROW(pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled, pg_catalog.obj_description(t.oid, 'pg_trigger'))
  FROM relation AS r
  JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = r.oid
  WHERE NOT t.tgisinternal

  UNION ALL
  SELECT pg_catalog.format('policy %%I on %%I.%%I', p.polname, r.nspname, r.relname),
         ROW(p.polcmd, p.polpermissive,
                   (SELECT pg_catalog.array_agg(role::regrole::text ORDER BY role::regrole::text)
                    FROM pg_catalog.unnest(p.polroles) AS role),
                   pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
                   pg_catalog.obj_description(p.oid, 'pg_policy'))
  FROM relation AS r
  JOIN pg_catalog.pg_policy AS p ON p.polrelid = r.oid

  UNION ALL
  SELECT pg_catalog.format('rule %%I on %%I.%%I', w.rulename, r.nspname, r.relname),
         ROW(pg_catalog.pg_get_ruledef(w.oid), w.ev_enabled)
  FROM relation AS r
  JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = r.oid
  WHERE w.rulename <> '_RETURN'

  UNION ALL
  SELECT pg_catalog.format('sequence %%I.%%I', r.nspname, r.relname),
         ROW(s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
  FROM relation AS r
  JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = r.oid

  UNION ALL
  SELECT pg_catalog.format('function %%s', p.oid::regprocedure),
         ROW(p.proowner::regrole, (SELECT pg_catalog.array_agg(e::text ORDER BY e::text) FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS e),
                   pg_catalog.obj_description(p.oid, 'pg_proc'),
                   CASE WHEN p.prokind = 'a' THEN
                     (SELECT pg_catalog.row_to_json(g)::text FROM pg_catalog.pg_aggregate AS g WHERE g.aggfnoid = p.oid)
                   ELSE pg_catalog.pg_get_functiondef(p.oid) END)
  FROM pg_catalog.pg_proc AS p
  JOIN namespace AS n ON n.oid = p.pronamespace
  WHERE NOT EXISTS (
    SELECT FROM extension_object AS e
    WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid)

  UNION ALL
  SELECT pg_catalog.format('type %%s', t.oid::regtype),
         ROW(t.typtype, t.typowner::regrole, (SELECT pg_catalog.array_agg(e::text ORDER BY e::text) FROM pg_catalog.aclexplode(coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))) AS e),
                   t.typnotnull, t.typdefault,
                   pg_catalog.format_type(nullif(t.typbasetype, 0), t.typtypmod), pg_catalog.obj_description(t.oid, 'pg_type'),
                   (SELECT pg_catalog.array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
                    FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid))
  FROM pg_catalog.pg_type AS t
  JOIN namespace AS n ON n.oid = t.typnamespace
  WHERE t.typtype IN ('d', 'e', 'r')
    AND NOT EXISTS (
      SELECT FROM extension_object AS e
      WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)

  UNION ALL
  SELECT pg_catalog.format('default privileges %%s %%s %%s', d.defaclrole::regrole, d.defaclnamespace, d.defaclobjtype),
         ROW((SELECT pg_catalog.array_agg(e::text ORDER BY e::text) FROM pg_catalog.aclexplode(d.defaclacl) AS e))
  FROM pg_catalog.pg_default_acl AS d

  UNION ALL
  SELECT pg_catalog.format('extension %%I', extname), ROW(extversion) FROM pg_catalog.pg_extension

  UNION ALL
  SELECT pg_catalog.format('event trigger %%I', evtname),
         ROW(evtevent, evtfoid::regprocedure, evtenabled, evttags)
  FROM pg_catalog.pg_event_trigger

  UNION ALL
  SELECT pg_catalog.format('publication %%I', p.pubname),
         ROW(p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete,
                   (SELECT pg_catalog.array_agg(q.prrelid::regclass::text ORDER BY q.prrelid::regclass::text)
                    FROM pg_catalog.pg_publication_rel AS q WHERE q.prpubid = p.oid))
  FROM pg_catalog.pg_publication AS p
)
SELECT coalesce(pg_catalog.json_object_agg(identity, pg_catalog.md5(definition::text)), '{}') AS fingerprint
FROM object;
