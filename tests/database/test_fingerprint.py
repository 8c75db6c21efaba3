"""The catalogue fingerprint: it sees what DDL changes, and nothing else."""

import pytest
from pydantic import SecretStr

from flows.database.connection import Conn, session
from flows.database.fingerprint import (
    differences,
    expected_after_revert,
    take_fingerprint,
)
from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.migration.target import Target

WORLD = """
    CREATE SEQUENCE platform.s; CREATE TYPE platform.e AS ENUM ('a');
    CREATE DOMAIN platform.d AS text; CREATE VIEW platform.v AS SELECT 1 AS a;
    CREATE TYPE platform.c AS (a int); CREATE TABLE platform.t (a int, b text);
    CREATE FUNCTION platform.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE TABLE platform.p (a int) PARTITION BY LIST (a);
    CREATE TABLE platform.p1 (a int); CREATE TABLE platform.i (a int, b text);
    CREATE PUBLICATION w;
    CREATE TEXT SEARCH CONFIGURATION platform.tt (COPY = simple)"""

# Object: a change, and its inverse.
CHANGES = {
    "schema other": ("CREATE SCHEMA other", "DROP SCHEMA other"),
    "schema platform": (
        "GRANT USAGE ON SCHEMA platform TO pg_monitor",
        "REVOKE USAGE ON SCHEMA platform FROM pg_monitor",
    ),
    "relation platform.n": ("CREATE TABLE platform.n ()", "DROP TABLE platform.n"),
    "relation platform.t": (
        "GRANT SELECT ON platform.t TO pg_monitor",
        "REVOKE SELECT ON platform.t FROM pg_monitor",
    ),
    "relation platform.v": (
        "CREATE OR REPLACE VIEW platform.v AS SELECT 2 AS a",
        "CREATE OR REPLACE VIEW platform.v AS SELECT 1 AS a",
    ),
    "relation platform.p1": (
        "ALTER TABLE platform.p ATTACH PARTITION platform.p1 FOR VALUES IN (1)",
        "ALTER TABLE platform.p DETACH PARTITION platform.p1",
    ),
    "relation platform.i": (
        "ALTER TABLE platform.i INHERIT platform.t",
        "ALTER TABLE platform.i NO INHERIT platform.t",
    ),
    "column platform.t.a": (
        "ALTER TABLE platform.t ALTER a SET DEFAULT 1",
        "ALTER TABLE platform.t ALTER a DROP DEFAULT",
    ),
    "column platform.t.b": (
        "ALTER TABLE platform.t DROP b",
        "ALTER TABLE platform.t ADD b text",
    ),
    "column platform.c.a": (
        "ALTER TYPE platform.c ALTER ATTRIBUTE a TYPE bigint",
        "ALTER TYPE platform.c ALTER ATTRIBUTE a TYPE int",
    ),
    "index platform.x": (
        "CREATE INDEX x ON platform.t (a)",
        "DROP INDEX platform.x",
    ),
    "constraint k on platform.t": (
        "ALTER TABLE platform.t ADD CONSTRAINT k CHECK (a > 0)",
        "ALTER TABLE platform.t DROP CONSTRAINT k",
    ),
    "trigger g on platform.t": (
        "CREATE TRIGGER g BEFORE INSERT ON platform.t EXECUTE FUNCTION platform.f()",
        "DROP TRIGGER g ON platform.t",
    ),
    "policy y on platform.t": (
        "CREATE POLICY y ON platform.t USING (a > 0)",
        "DROP POLICY y ON platform.t",
    ),
    "rule r on platform.t": (
        "CREATE RULE r AS ON INSERT TO platform.t DO INSTEAD NOTHING",
        "DROP RULE r ON platform.t",
    ),
    "sequence platform.s": (
        "ALTER SEQUENCE platform.s INCREMENT 2",
        "ALTER SEQUENCE platform.s INCREMENT 1",
    ),
    "function platform.f()": (
        "ALTER FUNCTION platform.f() SECURITY DEFINER",
        "ALTER FUNCTION platform.f() SECURITY INVOKER",
    ),
    "type platform.e": (
        "REVOKE USAGE ON TYPE platform.e FROM PUBLIC",
        "GRANT USAGE ON TYPE platform.e TO PUBLIC",
    ),
    "type platform.d": (
        "ALTER DOMAIN platform.d SET DEFAULT 'x'",
        "ALTER DOMAIN platform.d DROP DEFAULT",
    ),
    "publication u": ("CREATE PUBLICATION u", "DROP PUBLICATION u"),
    "publication w": (
        "ALTER PUBLICATION w ADD TABLE platform.t",
        "ALTER PUBLICATION w DROP TABLE platform.t",
    ),
    "statistics platform.st": (
        "CREATE STATISTICS platform.st ON a, b FROM platform.i",
        "DROP STATISTICS platform.st",
    ),
    "collation platform.co": (
        "CREATE COLLATION platform.co (locale = 'C')",
        "DROP COLLATION platform.co",
    ),
    "conversion platform.cv": (
        "CREATE CONVERSION platform.cv FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1",
        "DROP CONVERSION platform.cv",
    ),
    "operator platform.===": (
        "CREATE OPERATOR platform.=== (leftarg=int, rightarg=int, function=int4eq)",
        "DROP OPERATOR platform.=== (int, int)",
    ),
    "cast (platform.e AS pg_catalog.text)": (
        "CREATE CAST (platform.e AS text) WITH INOUT",
        "DROP CAST (platform.e AS text)",
    ),
    "text search configuration platform.ts": (
        "CREATE TEXT SEARCH CONFIGURATION platform.ts (COPY = simple)",
        "DROP TEXT SEARCH CONFIGURATION platform.ts",
    ),
    "text search configuration platform.tt": (
        "ALTER TEXT SEARCH CONFIGURATION platform.tt DROP MAPPING FOR word",
        "ALTER TEXT SEARCH CONFIGURATION platform.tt ADD MAPPING FOR word WITH simple",
    ),
    "text search dictionary platform.td": (
        "CREATE TEXT SEARCH DICTIONARY platform.td (TEMPLATE = simple)",
        "DROP TEXT SEARCH DICTIONARY platform.td",
    ),
    "default privileges": (
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor",
        "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM pg_monitor",
    ),
}


@pytest.mark.parametrize("identity", CHANGES)
def test_change_is_seen_and_its_inverse_restores(conn: Conn, identity: str):
    change, inverse = CHANGES[identity]
    conn.execute(WORLD.encode())
    before = take_fingerprint(conn)
    conn.execute(change.encode())
    found = differences(before, take_fingerprint(conn))
    assert any(sentence.startswith(identity) for sentence in found)
    conn.execute(inverse.encode())
    assert differences(before, take_fingerprint(conn)) == []


# Only a superuser may.
OF_ADMINS = {
    "foreign-data wrapper fw": (
        "CREATE FOREIGN DATA WRAPPER fw",
        "DROP FOREIGN DATA WRAPPER fw",
    ),
    "server se": (
        "CREATE SERVER se FOREIGN DATA WRAPPER fx",
        "DROP SERVER se",
    ),
    "server sx": (
        "ALTER SERVER sx OPTIONS (ADD host 'a')",
        "ALTER SERVER sx OPTIONS (DROP host)",
    ),
    "user mapping for public on server sx": (
        "CREATE USER MAPPING FOR PUBLIC SERVER sx",
        "DROP USER MAPPING FOR PUBLIC SERVER sx",
    ),
    "foreign table platform.ft": (
        "ALTER FOREIGN TABLE platform.ft OPTIONS (ADD name 'a')",
        "ALTER FOREIGN TABLE platform.ft OPTIONS (DROP name)",
    ),
    "operator family platform.of USING btree": (
        "CREATE OPERATOR FAMILY platform.of USING btree",
        "DROP OPERATOR FAMILY platform.of USING btree",
    ),
    "operator class platform.oc USING hash": (
        "CREATE OPERATOR CLASS platform.oc FOR TYPE int USING hash AS OPERATOR 1 =",
        "DROP OPERATOR FAMILY platform.oc USING hash",
    ),
    "language lg": (
        "CREATE LANGUAGE lg HANDLER plpgsql_call_handler",
        "DROP LANGUAGE lg",
    ),
    "access method ac": (
        "CREATE ACCESS METHOD ac TYPE INDEX HANDLER hashhandler",
        "DROP ACCESS METHOD ac",
    ),
    "text search template platform.tm": (
        "CREATE TEXT SEARCH TEMPLATE platform.tm (LEXIZE = dsimple_lexize)",
        "DROP TEXT SEARCH TEMPLATE platform.tm",
    ),
}


@pytest.mark.parametrize("identity", OF_ADMINS)
def test_superusers_change_is_seen_and_its_inverse_restores(
    server: PostgresServer, world: World, identity: str
):
    change, inverse = OF_ADMINS[identity]
    with session(Target(SecretStr(server.url(world.database))), "test") as conn:
        conn.execute(
            "CREATE FOREIGN DATA WRAPPER fx; CREATE SERVER sx FOREIGN DATA WRAPPER fx;"
            "CREATE FOREIGN TABLE platform.ft (a int) SERVER sx"
        )
        before = take_fingerprint(conn)
        conn.execute(change.encode())
        found = differences(before, take_fingerprint(conn))
        assert any(sentence.startswith(identity) for sentence in found), found
        conn.execute(inverse.encode())
        assert differences(before, take_fingerprint(conn)) == []


def test_published_schema_is_seen(server: PostgresServer, world: World):
    with session(Target(SecretStr(server.url(world.database))), "test") as conn:
        if conn.info.server_version < 150000:
            pytest.skip("no FOR TABLES IN SCHEMA before PostgreSQL 15")
        conn.execute("CREATE PUBLICATION u; CREATE PUBLICATION v")
        conn.execute("CREATE PUBLICATION f FOR TABLE platform.users WHERE (id IS NULL)")
        before = take_fingerprint(conn)
        conn.execute("ALTER PUBLICATION u ADD TABLES IN SCHEMA platform")
        conn.execute("ALTER PUBLICATION f SET TABLE platform.users")
        assert differences(before, take_fingerprint(conn)) == [
            "publication f is not what it was",
            "publication u is not what it was",
        ]


def test_column_in_another_place_is_seen(conn: Conn):
    conn.execute("CREATE TABLE platform.t (a int, b int)")
    before = take_fingerprint(conn)
    conn.execute("ALTER TABLE platform.t DROP a; ALTER TABLE platform.t ADD a int")
    assert "column platform.t.a is not what it was" in differences(
        before, take_fingerprint(conn)
    )


def test_rows_and_temporary_tables_do_not_count(conn: Conn):
    before = take_fingerprint(conn)
    conn.execute("CREATE TEMPORARY TABLE t (a int)")
    conn.execute("UPDATE platform.users SET display_name = 'x'")
    assert take_fingerprint(conn) == before


def test_search_path_does_not_count(conn: Conn):
    before = take_fingerprint(conn)
    conn.execute("SET LOCAL search_path = platform")
    assert take_fingerprint(conn) == before


def test_search_path_is_left_as_found(conn: Conn):
    conn.execute("SET LOCAL search_path = platform")
    take_fingerprint(conn)
    assert conn.execute("SHOW search_path").fetchone() == {"search_path": "platform"}


def test_differences_say_what_happened():
    found = differences({"a": "1", "b": "1"}, {"b": "2", "c": "1"})
    assert found == ["a is gone", "b is not what it was", "c is still there"]


def test_revert_brings_back_what_the_migration_changed():
    expected = expected_after_revert({"a": "1", "b": "1"}, {"a": "2", "c": "1"}, {})
    assert expected == {"a": "1", "b": "1"}


def test_revert_leaves_what_others_changed_since():
    before, after = {"a": "1"}, {"a": "1", "ours": "1"}
    now = {"a": "theirs", "ours": "1", "new": "1"}
    assert expected_after_revert(before, after, now) == {"a": "theirs", "new": "1"}


def test_revert_without_an_after_restores_all():
    assert expected_after_revert({"a": "1"}, None, {"a": "2", "b": "1"}) == {"a": "1"}
