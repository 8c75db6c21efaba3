"""What a migration's author must allow by name, and what needs no asking."""

import pytest

from flows.migration.asked import asked_of
from tests.fix_scripts import Read

DEFINER = (
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER {} AS 'SELECT 1';"
)


@pytest.mark.parametrize(
    ("sql", "keys"),
    [
        ("DROP TABLE a.t", ["drop-table a.t"]),
        ("DROP MATERIALIZED VIEW m", ["drop-table m"]),
        ("DROP FOREIGN TABLE f", ["drop-table f"]),
        ("DROP VIEW v CASCADE", ["drop-cascade v"]),
        ("DROP TYPE a.b CASCADE", ["drop-cascade a.b"]),
        ("DROP OWNED BY r", ["drop-owned r"]),
        ("DROP SCHEMA s", ["drop-schema s"]),
        ('ALTER TABLE a.t DROP "B c"', ['drop-column a.t."B c"']),
        ("ALTER TYPE t DROP ATTRIBUTE a", ["drop-column t.a"]),
        ("TRUNCATE a, b", ["truncate a", "truncate b"]),
        ("DELETE FROM t", ["delete-every-row t"]),
        ("DELETE FROM t WHERE true", ["delete-every-row t"]),
        ("DELETE FROM t WHERE 1 = 1", ["delete-every-row t"]),
        ("DELETE FROM t WHERE id = id", ["delete-every-row t"]),
        ("DELETE FROM t WHERE a = 1 OR NOT false", ["delete-every-row t"]),
        ("DELETE FROM t WHERE a IS NULL OR a IS NOT NULL", ["delete-every-row t"]),
        ("INSERT INTO l WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
         ["delete-every-row t"]),
        ("EXPLAIN ANALYZE DELETE FROM t", ["delete-every-row t"]),
        ("UPDATE t SET a = 1", ["update-every-row t"]),
        ("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
         ["delete-every-row t"]),
        ("GRANT SELECT ON t TO r, PUBLIC", ["grant-to-public t"]),
        ("GRANT EXECUTE ON FUNCTION f(int) TO public", ["grant-to-public f(int)"]),
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
         ["grant-to-public table"]),
        ("CREATE SCHEMA s GRANT SELECT ON t TO PUBLIC", ["grant-to-public t"]),
        ("GRANT a TO b", ["grant-role a"]),
        ("CREATE ROLE r", ["change-role r"]),
        ("ALTER USER r SUPERUSER", ["change-role r"]),
        ("ALTER ROLE ALL SET a = 1", ["change-role ALL"]),
        ("DROP ROLE r", ["change-role r"]),
        ("ALTER ROLE a RENAME TO b", ["change-role a"]),
        ("COPY t FROM PROGRAM 'x'", ["server-program x"]),
        ("COPY t TO '/tmp/x'", ["server-file /tmp/x"]),
        ("CREATE FUNCTION f() RETURNS int AS 'a', 'b' LANGUAGE C",
         ["untrusted-language c"]),
        ("DO LANGUAGE plperlu 'x'", ["untrusted-language plperlu"]),
        ("CREATE EXTENSION plpython3u", ["untrusted-language plpython3u"]),
        ("ALTER TABLE t DISABLE ROW LEVEL SECURITY", ["disable-row-security t"]),
        ("ALTER TABLE t NO FORCE ROW LEVEL SECURITY", ["disable-row-security t"]),
        (DEFINER.format(""), ["definer-search-path f()"]),
        (DEFINER.format("SET search_path = a"), ["definer-search-path f()"]),
        (DEFINER.format("SET search_path = pg_temp, a"), ["definer-search-path f()"]),
        (DEFINER.format("SET search_path = ''"), ["definer-search-path f()"]),
        (DEFINER.format("SET search_path FROM CURRENT"), ["definer-search-path f()"]),
        ("ALTER FUNCTION f() SECURITY DEFINER", ["definer-search-path f()"]),
        ("ALTER FUNCTION f() RESET search_path", ["definer-search-path f()"]),
        ("ALTER FUNCTION f() RESET ALL", ["definer-search-path f()"]),
        (
            DEFINER.format("SET search_path = pg_temp")
            + "ALTER FUNCTION f() RESET search_path",
            ["definer-search-path f()"],
        ),
    ],
)  # fmt: skip
def test_statement_is_asked_about(read: Read, sql: str, keys: list[str]) -> None:
    assert [" ".join(asked.key) for asked in asked_of(read(sql))] == keys


@pytest.mark.parametrize(
    "sql",
    [
        "DROP VIEW v",
        "DROP FUNCTION f()",
        "DELETE FROM t WHERE a = 1",
        "DELETE FROM t USING o WHERE o.id = t.id",
        "UPDATE t SET a = 1 WHERE a IS NULL",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE",
        "CREATE TEMP TABLE t (a int); DELETE FROM t; DROP TABLE t",
        "GRANT SELECT ON t TO r",
        "REVOKE ALL ON t FROM PUBLIC",
        "DO $$ BEGIN RAISE 'DROP TABLE t;'; END $$",
        "SELECT 'DELETE FROM t' -- DROP TABLE t",
        "CREATE EXTENSION pgcrypto",
        "ALTER FUNCTION f() STABLE",
        DEFINER.format("SET search_path = a, pg_temp"),
        DEFINER.format("") + "ALTER FUNCTION f() SET search_path = a, pg_temp",
        DEFINER.format("") + "ALTER FUNCTION f() SECURITY INVOKER",
    ],
)
def test_statement_needs_no_asking(read: Read, sql: str) -> None:
    assert asked_of(read(sql)) == ()


def test_dropped_temporary_table_hides_no_other(read: Read) -> None:
    sql = "CREATE TEMP TABLE t (a int); DROP TABLE t; DROP TABLE t"
    assert [asked.where[-4:] for asked in asked_of(read(sql))] == ["1:44"]


BODY = """DO $x$
DECLARE r record;
BEGIN
  DELETE FROM u RETURNING id INTO STRICT r;
  IF true THEN
     DROP TABLE k;
  END IF;
  FOR r IN WITH z AS (DELETE FROM z RETURNING *) SELECT * FROM z LOOP
    CREATE FUNCTION q() RETURNS void LANGUAGE plpgsql AS $y$
      BEGIN TRUNCATE deep; END $y$;
  END LOOP;
END $x$"""


def test_statements_in_bodies_are_found_where_they_stand(read: Read) -> None:
    found = [
        (asked.name, asked.where.split(".sql:")[1]) for asked in asked_of(read(BODY))
    ]
    assert found == [("u", "4:3"), ("k", "6:6"), ("z", "8:12"), ("deep", "10:13")]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT ''é'';DELETE FROM t'",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM t; END",
        "CREATE RULE r AS ON INSERT TO l DO ALSO DELETE FROM t",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
        " RETURN QUERY DELETE FROM t RETURNING *; END $$",
    ],
)
def test_statements_in_functions_and_rules_are_found(read: Read, sql: str) -> None:
    assert [asked.name for asked in asked_of(read(sql))] == ["t"]
