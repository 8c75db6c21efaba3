-- name: pin_names
SELECT pg_catalog.set_config('search_path', '', true);

-- name: fingerprint_is_prepared
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_prepared_statements WHERE name = 'pgflight_fingerprint') AS found;

-- name: select_fingerprint
EXECUTE pgflight_fingerprint;

-- name: prepare_fingerprint
-- Prepared, because planning it takes as long as running it where there are few objects,
-- and a rollback takes it for the second time under its locks.
-- Every object that a migration can make or change, with a hash of all that
-- pg_dump would write about it. Objects of extensions, of the ledger and of the
-- system are left out. Columns count by their order, not by attnum: a column
-- that was dropped leaves a hole there. Rights count as a set, with the defaults
-- written out: GRANT and REVOKE leave another list behind, and the same rights.
PREPARE pgflight_fingerprint AS
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
         ROW(nspowner::regrole, (SELECT pg_catalog.array_agg(e::text ORDER BY e::text) FROM pg_catalog.aclexplode(coalesce(nspacl, pg_catalog.acldefault('n', nspowner))) AS e), (SELECT d.description FROM pg_catalog.pg_description AS d WHERE d.objoid = oid AND d.classoid = 'pg_catalog.pg_namespace'::regclass AND d.objsubid = 0))
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
                   (SELECT d.description FROM pg_catalog.pg_description AS d WHERE d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0),
                   CASE WHEN r.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(r.oid) END)
  FROM relation AS r
  WHERE r.relkind NOT IN ('i', 'I')

  UNION ALL
  SELECT pg_catalog.format('column %%I.%%I.%%I', r.nspname, r.relname, a.attname),
         ROW(pg_catalog.row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum),
                   pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                   a.attcollation, a.attstorage, a.attcompression, a.attoptions,
                   CASE WHEN a.attacl IS NOT NULL THEN (SELECT pg_catalog.array_agg(e::text ORDER BY e::text) FROM pg_catalog.aclexplode(a.attacl) AS e) END, a.attstattarget,
                   pg_catalog.pg_get_expr(d.adbin, d.adrelid), (SELECT c.description FROM pg_catalog.pg_description AS c WHERE c.objoid = a.attrelid AND c.classoid = 'pg_catalog.pg_class'::regclass AND c.objsubid = a.attnum))
  FROM relation AS r
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE r.relkind NOT IN ('i', 'I', 'S')

  UNION ALL
  SELECT pg_catalog.format('index %%I.%%I', r.nspname, r.relname),
         ROW(pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready, i.indisclustered,
                   i.indisreplident, r.reltablespace, (SELECT d.description FROM pg_catalog.pg_description AS d WHERE d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0))
  FROM relation AS r
  JOIN pg_catalog.pg_index AS i ON i.indexrelid = r.oid

  UNION ALL
  SELECT pg_catalog.format('constraint %%I on %%s', k.conname,
                coalesce(nullif(k.conrelid, 0)::regclass::text, k.contypid::regtype::text)),
         ROW(k.contype, pg_catalog.pg_get_constraintdef(k.oid), k.convalidated,
                   (SELECT d.description FROM pg_catalog.pg_description AS d WHERE d.objoid = k.oid AND d.classoid = 'pg_catalog.pg_constraint'::regclass AND d.objsubid = 0))
  FROM pg_catalog.pg_constraint AS k
  JOIN namespace AS n ON n.oid = k.connamespace

  UNION ALL
  SELECT pg_catalog.format('trigger %%I on %%I.%%I', t.tgname, r.nspname, r.relname),
         ROW(pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled, (SELECT d.description FROM pg_catalog.pg_description AS d WHERE d.objoid = t.oid AND d.classoid = 'pg_catalog.pg_trigger'::regclass AND d.objsubid = 0))
  FROM relation AS r
  JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = r.oid
  WHERE NOT t.tgisinternal

  UNION ALL
  SELECT pg_catalog.format('policy %%I on %%I.%%I', p.polname, r.nspname, r.relname),
         ROW(p.polcmd, p.polpermissive,
                   (SELECT pg_catalog.array_agg(role::regrole::text ORDER BY role::regrole::text)
                    FROM pg_catalog.unnest(p.polroles) AS role),
                   pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
                   (SELECT d.description FROM pg_catalog.pg_description AS d WHERE d.objoid = p.oid AND d.classoid = 'pg_catalog.pg_policy'::regclass AND d.objsubid = 0))
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
                   (SELECT d.description FROM pg_catalog.pg_description AS d WHERE d.objoid = p.oid AND d.classoid = 'pg_catalog.pg_proc'::regclass AND d.objsubid = 0),
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
                   pg_catalog.format_type(nullif(t.typbasetype, 0), t.typtypmod), (SELECT d.description FROM pg_catalog.pg_description AS d WHERE d.objoid = t.oid AND d.classoid = 'pg_catalog.pg_type'::regclass AND d.objsubid = 0),
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
         ROW(p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot, p.pubowner::regrole,
                   -- Of tables that are named, with columns and filter where there are such (PostgreSQL 15+).
                   (SELECT pg_catalog.array_agg(pg_catalog.to_jsonb(t)::text ORDER BY t.schemaname, t.tablename)
                    FROM pg_catalog.pg_publication_rel AS q
                    JOIN pg_catalog.pg_class AS c ON c.oid = q.prrelid
                    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                    JOIN pg_catalog.pg_publication_tables AS t ON t.pubname = p.pubname AND t.schemaname = n.nspname AND t.tablename = c.relname
                    WHERE q.prpubid = p.oid),
                   -- Schemas, too, whose catalogue is not there before PostgreSQL 15.
                   (SELECT pg_catalog.array_agg(o.identity ORDER BY o.identity)
                    FROM pg_catalog.pg_depend AS d
                    CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) AS o
                    WHERE d.refclassid = 'pg_catalog.pg_publication'::regclass AND d.refobjid = p.oid))
  FROM pg_catalog.pg_publication AS p

  UNION ALL
  SELECT pg_catalog.format('statistics %%I.%%I', n.nspname, s.stxname),
         ROW(s.stxowner::regrole, s.stxstattarget, pg_catalog.pg_get_statisticsobjdef(s.oid))
  FROM pg_catalog.pg_statistic_ext AS s
  JOIN namespace AS n ON n.oid = s.stxnamespace

  -- Below, what initdb makes has an oid under 16384.
  UNION ALL
  SELECT pg_catalog.format('%%s %%s', o.type, o.identity), made.definition
  FROM (
    SELECT tableoid, oid,
           ROW(collowner::regrole,
               pg_catalog.to_jsonb(c) - '{oid,collname,collnamespace,collowner,collversion}'::text[]) AS definition
    FROM pg_catalog.pg_collation AS c
    WHERE oid >= 16384

    UNION ALL
    SELECT tableoid, oid, ROW(conowner::regrole, conforencoding, contoencoding, conproc::regproc, condefault)
    FROM pg_catalog.pg_conversion
    WHERE oid >= 16384

    UNION ALL
    SELECT tableoid, oid,
           ROW(oprowner::regrole, oprcanmerge, oprcanhash, oprresult::regtype, oprcom::regoperator,
               oprnegate::regoperator, oprcode::regprocedure, oprrest::regprocedure, oprjoin::regprocedure)
    FROM pg_catalog.pg_operator
    WHERE oid >= 16384

    UNION ALL
    SELECT c.tableoid, c.oid, ROW(c.opcowner::regrole, f.opfname, c.opcintype::regtype, c.opcdefault, c.opckeytype::regtype)
    FROM pg_catalog.pg_opclass AS c
    JOIN pg_catalog.pg_opfamily AS f ON f.oid = c.opcfamily
    WHERE c.oid >= 16384

    UNION ALL
    SELECT f.tableoid, f.oid,
           ROW(f.opfowner::regrole,
               (SELECT pg_catalog.array_agg(pg_catalog.concat_ws(' ', amoplefttype::regtype, amoprighttype::regtype, amopstrategy, amopopr::regoperator) ORDER BY amoplefttype, amoprighttype, amopstrategy)
                FROM pg_catalog.pg_amop WHERE amopfamily = f.oid),
               (SELECT pg_catalog.array_agg(pg_catalog.concat_ws(' ', amproclefttype::regtype, amprocrighttype::regtype, amprocnum, amproc::regprocedure) ORDER BY amproclefttype, amprocrighttype, amprocnum)
                FROM pg_catalog.pg_amproc WHERE amprocfamily = f.oid))
    FROM pg_catalog.pg_opfamily AS f
    WHERE f.oid >= 16384

    UNION ALL
    SELECT tableoid, oid, ROW(castfunc::regprocedure, castcontext, castmethod)
    FROM pg_catalog.pg_cast
    WHERE oid >= 16384

    UNION ALL
    SELECT c.tableoid, c.oid,
           ROW(c.cfgowner::regrole, p.prsname,
               (SELECT pg_catalog.array_agg(pg_catalog.concat_ws(' ', maptokentype, mapseqno, mapdict::regdictionary) ORDER BY maptokentype, mapseqno)
                FROM pg_catalog.pg_ts_config_map WHERE mapcfg = c.oid))
    FROM pg_catalog.pg_ts_config AS c
    JOIN pg_catalog.pg_ts_parser AS p ON p.oid = c.cfgparser
    WHERE c.oid >= 16384

    UNION ALL
    SELECT d.tableoid, d.oid, ROW(d.dictowner::regrole, t.tmplname, d.dictinitoption)
    FROM pg_catalog.pg_ts_dict AS d
    JOIN pg_catalog.pg_ts_template AS t ON t.oid = d.dicttemplate
    WHERE d.oid >= 16384

    UNION ALL
    SELECT tableoid, oid, ROW(prsstart, prstoken, prsend, prsheadline, prslextype)
    FROM pg_catalog.pg_ts_parser
    WHERE oid >= 16384

    UNION ALL
    SELECT tableoid, oid, ROW(tmplinit, tmpllexize)
    FROM pg_catalog.pg_ts_template
    WHERE oid >= 16384

    UNION ALL
    SELECT tableoid, oid, ROW(fdwowner::regrole, fdwhandler::regprocedure, fdwvalidator::regprocedure, fdwacl, fdwoptions)
    FROM pg_catalog.pg_foreign_data_wrapper
    WHERE oid >= 16384

    UNION ALL
    SELECT s.tableoid, s.oid, ROW(s.srvowner::regrole, w.fdwname, s.srvtype, s.srvversion, s.srvacl, s.srvoptions)
    FROM pg_catalog.pg_foreign_server AS s
    JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
    WHERE s.oid >= 16384

    UNION ALL
    SELECT tableoid, oid, ROW(lanowner::regrole, lanpltrusted, lanplcallfoid::regprocedure, laninline::regprocedure, lanvalidator::regprocedure, lanacl)
    FROM pg_catalog.pg_language
    WHERE oid >= 16384

    UNION ALL
    SELECT tableoid, oid, ROW(trffromsql::regprocedure, trftosql::regprocedure)
    FROM pg_catalog.pg_transform
    WHERE oid >= 16384

    UNION ALL
    SELECT tableoid, oid, ROW(amhandler, amtype)
    FROM pg_catalog.pg_am
    WHERE oid >= 16384
  ) AS made
  CROSS JOIN LATERAL pg_catalog.pg_identify_object(made.tableoid, made.oid, 0) AS o
  WHERE o.schema IS DISTINCT FROM 'pgflight'
    AND NOT EXISTS (
      SELECT FROM extension_object AS e
      WHERE e.classid = made.tableoid AND e.objid = made.oid)

  -- Its options may hold a password: only that it is there.
  UNION ALL
  SELECT pg_catalog.format('user mapping for %%I on server %%I', usename, srvname), ROW(true)
  FROM pg_catalog.pg_user_mappings

  UNION ALL
  SELECT pg_catalog.format('foreign table %%I.%%I', r.nspname, r.relname),
         ROW(s.srvname, f.ftoptions,
             (SELECT pg_catalog.array_agg(pg_catalog.concat_ws(' ', a.attname, a.attfdwoptions) ORDER BY a.attname)
              FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid = r.oid AND a.attfdwoptions IS NOT NULL AND NOT a.attisdropped))
  FROM relation AS r
  JOIN pg_catalog.pg_foreign_table AS f ON f.ftrelid = r.oid
  JOIN pg_catalog.pg_foreign_server AS s ON s.oid = f.ftserver
)
SELECT coalesce(pg_catalog.json_object_agg(identity, pg_catalog.md5(definition::text)), '{}') AS fingerprint
FROM object;
