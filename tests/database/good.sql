-- Good migrations: each must pass its own checks once it has run.

-- name: types
ALTER TABLE platform.users ADD a int, ADD b varchar(20), ADD c numeric(10,2),
ADD d timestamp(3) with time zone, ADD e char, ADD f bit varying(5), ADD g float(4),
ADD h interval day to second(2), ADD i int[], ADD j double precision,
ADD k char(3), ADD l time without time zone, ADD m "char", ADD n bpchar;

-- name: quoted type
CREATE TYPE platform."We%ird" AS ENUM ('a');
ALTER TABLE platform.users ADD w platform."We%ird";

-- name: domain
CREATE DOMAIN platform.email AS text CHECK (VALUE LIKE '%@%');
ALTER TABLE platform.users ADD work_email platform.email, ADD es platform.email[];

-- name: domain not null
CREATE DOMAIN platform.code AS varchar(9) NOT NULL;
CREATE TABLE platform.t (code platform.code);

-- name: serial
CREATE TABLE platform.t (id bigserial PRIMARY KEY, n smallserial);

-- name: identity
CREATE TABLE platform.t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
twice int GENERATED ALWAYS AS (n * 2) STORED, n int NOT NULL);

-- name: quoted names
CREATE TABLE platform."Big Table" ("Select" int PRIMARY KEY, "a.b" text);
COMMENT ON COLUMN platform."Big Table"."a.b" IS 'x';
CREATE INDEX "My Index" ON platform."Big Table" ("a.b");

-- name: index in
ALTER TABLE platform.users ADD state text;
CREATE INDEX i ON platform.users (state) WHERE state IN ('a', 'b');

-- name: index not in
ALTER TABLE platform.users ADD n int;
CREATE INDEX i ON platform.users (n) WHERE n NOT IN (1, 2) AND NOT n BETWEEN 5 AND 9;

-- name: index like
CREATE INDEX i ON platform.users (id) WHERE email LIKE '%@x.org';

-- name: index expression
CREATE UNIQUE INDEX i ON platform.users (lower(email));
CREATE INDEX j ON platform.users ((display_name || email), (id::text));

-- name: index include
CREATE INDEX i ON platform.users (email DESC NULLS LAST)
INCLUDE (id, created_at);

-- name: index method
CREATE INDEX i ON platform.users USING hash (email);
CREATE INDEX j ON platform.users USING brin (created_at);
CREATE INDEX k ON platform.users (email text_pattern_ops, id);

-- name: index date
CREATE INDEX i ON platform.users (id)
WHERE created_at > '2024-01-01' AND last_login_at IS NOT NULL;

-- name: index coalesce
CREATE INDEX i ON platform.users
(coalesce(last_login_at, created_at), date_trunc('day', created_at at time zone 'UTC'));

-- name: foreign key
ALTER TABLE platform.users ADD org uuid REFERENCES platform.organizations
ON DELETE SET NULL ON UPDATE CASCADE;

-- name: foreign key composite
CREATE TABLE platform.t (u uuid, o uuid,
FOREIGN KEY (u, o) REFERENCES platform.org_members (user_id, org_id) ON DELETE CASCADE);

-- name: foreign key to itself
ALTER TABLE platform.users ADD boss uuid
CONSTRAINT boss REFERENCES platform.users DEFERRABLE INITIALLY DEFERRED;

-- name: foreign key validated later
ALTER TABLE platform.users ADD org uuid;
ALTER TABLE platform.users ADD CONSTRAINT k FOREIGN KEY (org)
REFERENCES platform.organizations (id) NOT VALID;
ALTER TABLE platform.users VALIDATE CONSTRAINT k;

-- name: foreign key replaced
ALTER TABLE platform.org_members
DROP CONSTRAINT org_members_org_id_fkey,
ADD CONSTRAINT org_members_org_id_fkey FOREIGN KEY (org_id)
REFERENCES platform.organizations ON DELETE RESTRICT;

-- name: partitioned
CREATE TABLE platform.p (at date, org uuid REFERENCES platform.organizations)
PARTITION BY RANGE (at);
CREATE TABLE platform.p1 PARTITION OF platform.p
FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX p_at ON platform.p (at);

-- name: function
CREATE FUNCTION platform.f(a int, b varchar(9), VARIADIC c text[])
RETURNS varchar(20) LANGUAGE sql IMMUTABLE AS 'SELECT b';

-- name: function set
CREATE FUNCTION platform.f() RETURNS SETOF int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION platform.g() RETURNS TABLE (a int, b varchar(3)) LANGUAGE sql
AS $$ SELECT 1, 'x' $$;

-- name: function out
CREATE FUNCTION platform.f(IN a int, OUT b int, INOUT c text)
LANGUAGE sql AS 'SELECT 1, $2';

-- name: function search_path
CREATE FUNCTION platform.f() RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path TO 'pg_catalog', "pg_temp" AS 'BEGIN END';
CREATE FUNCTION platform.g() RETURNS void LANGUAGE plpgsql
SET search_path = '' AS 'BEGIN END';

-- name: function rights
CREATE FUNCTION platform.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION platform.f() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.f() TO platform_app, platform_owner;
COMMENT ON FUNCTION platform.f() IS 'it''s one';

-- name: function overloaded
CREATE FUNCTION platform.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION platform.f(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1';
ALTER FUNCTION platform.f(int) STABLE;

-- name: function atomic
CREATE FUNCTION platform.f(a int) RETURNS numeric(9, 2)
RETURN a + 1;

-- name: function domain
CREATE DOMAIN platform.d AS text;
CREATE FUNCTION platform.f(platform.d) RETURNS platform.d LANGUAGE sql AS 'SELECT $1';

-- name: procedure
CREATE PROCEDURE platform.p(a int, INOUT b text) LANGUAGE plpgsql
AS 'BEGIN b := a; END';

-- name: trigger
CREATE FUNCTION platform.t() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON platform.users
FOR EACH ROW EXECUTE FUNCTION platform.t();

-- name: view
CREATE VIEW platform.v AS SELECT * FROM platform.users;
CREATE MATERIALIZED VIEW platform.m AS SELECT 1 AS a;
CREATE INDEX m_a ON platform.m (a); CREATE SEQUENCE platform.s;

-- name: policy
ALTER TABLE platform.users ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON platform.users USING (true);

-- name: changed later
ALTER TABLE platform.users ADD a int, ADD b text NOT NULL DEFAULT '';
ALTER TABLE platform.users ALTER a TYPE bigint,
ALTER b DROP NOT NULL, DROP COLUMN last_login_at;

-- name: renamed
ALTER TABLE platform.users ADD a int; ALTER TABLE platform.users RENAME a TO b;
ALTER TABLE platform.users RENAME TO people;

-- name: dropped
DROP TABLE platform.org_members; DROP TABLE IF EXISTS platform.nix;

-- name: do
DO $$ BEGIN ALTER TABLE platform.users ADD a int; END $$;

-- name: like
CREATE TABLE platform.t (LIKE platform.users INCLUDING ALL);

-- name: composite
CREATE TYPE platform.pair AS (a int, b text);
ALTER TABLE platform.users ADD pair platform.pair, ADD pairs platform.pair[];

-- name: exclusion
CREATE TABLE platform.t (during tstzrange,
CONSTRAINT apart EXCLUDE USING gist (during WITH &&));

-- name: index adopted
CREATE UNIQUE INDEX i ON platform.users (email, id);
ALTER TABLE platform.users ADD CONSTRAINT u UNIQUE USING INDEX i;
