"""Checks of the catalogue: each way of being wrong is found, and named."""

from collections.abc import Callable

import pytest
from psycopg import errors

from flows.database.checks import (
    check_columns,
    check_foreign_keys,
    check_functions,
    check_indexes,
    check_objects,
    check_structure,
)
from flows.database.connection import Conn
from flows.migration.check import Check
from flows.migration.expectation import (
    ColumnExpectation,
    DefinerExpectation,
    Expectations,
    ForeignKeyExpectation,
    FunctionExpectation,
    IndexExpectation,
    ObjectExpectation,
)
from flows.migration.probe import Verdict

COLUMN = ColumnExpectation(table="platform.users", name="a", type="int")
INDEX = IndexExpectation(name="platform.i", table="platform.users", columns=("email",))
KEY = ForeignKeyExpectation(
    table="platform.users", columns=("org",), references="platform.organizations"
)
FUNCTION = FunctionExpectation(signature="platform.f(int)")

ADD = "ALTER TABLE platform.users ADD a"
KEY_AGAIN = "ALTER TABLE platform.users ADD FOREIGN KEY (org)"
ADD_KEY = f"ALTER TABLE platform.users ADD org uuid; {KEY_AGAIN}"
MAKE = "CREATE FUNCTION platform.f(int) RETURNS"

Expect = dict[str, object]


def detail(
    conn: Conn, check: Callable[[Conn, Expectations], list[Check]], **expected: object
) -> str:
    """What the only check says; empty when it passed."""
    (found,) = check(conn, Expectations.model_validate(expected))
    assert (found.verdict is Verdict.PASS) is (found.detail == "")
    return str(found.detail)


@pytest.mark.parametrize(
    ("sql", "changes", "problem"),
    [
        (f"{ADD} int", {}, ""),
        ("SELECT 1", {}, "does not exist"),
        (f"{ADD} bigint", {}, "type: expected integer, found bigint"),
        (f"{ADD} varchar(9)", {"type": "varchar(8)"}, "character varying(8)"),
        (f"{ADD} varchar", {"type": "varchar(8)"}, "found character varying"),
        (f"{ADD} int NOT NULL DEFAULT 1", {}, "nullable: expected True, found False"),
        (f"{ADD} int", {"nullable": False}, "nullable: expected False, found True"),
        (f"{ADD} int", {"comment": "x"}, "comment: expected x, found None"),
        (f"{ADD} int", {"type": "nix"}, 'type "nix" does not exist'),
        (f"{ADD} int", {"table": "platform.nix"}, "does not exist"),
        (
            f"CREATE DOMAIN platform.d AS int; {ADD} int",
            {"type": "platform.d"},
            "type: expected platform.d, found integer",
        ),
    ],
)
def test_column(conn: Conn, sql: str, changes: Expect, problem: str):
    conn.execute(sql.encode())
    column = COLUMN.model_copy(update=changes)
    found = detail(conn, check_columns, columns=(column,))
    assert problem in found and bool(problem) is bool(found)


@pytest.mark.parametrize(
    ("sql", "changes", "problem"),
    [
        ("CREATE INDEX i ON platform.users (email) INCLUDE (id)", {}, ""),
        ("SELECT 1", {}, "does not exist"),
        (
            "CREATE UNIQUE INDEX i ON platform.users (email)",
            {},
            "unique: expected",
        ),
        ("CREATE INDEX i ON platform.users USING hash (email)", {}, "found hash"),
        ("CREATE INDEX i ON platform.users (id)", {}, "columns: expected ['email']"),
        ("CREATE INDEX i ON platform.users (email, id)", {}, "found ['email', 'id']"),
        ("CREATE INDEX i ON platform.organizations (name)", {}, "table: expected"),
        (
            "CREATE INDEX i ON platform.users (email) WHERE id IS NOT NULL",
            {},
            "predicate: expected None, found (id IS NOT NULL)",
        ),
        (
            "CREATE INDEX i ON platform.users (email) WHERE email IN ('a', 'b')",
            {"predicate": "email IN ('a', 'c')"},
            "predicate: expected",
        ),
        (
            "CREATE INDEX i ON platform.users (email) WHERE email IN ('a', 'b')",
            {"predicate": "email in('a','b')"},
            "",
        ),
        (
            "CREATE INDEX i ON platform.users (lower(email))",
            {"columns": ("upper(email)",)},
            "columns: expected ['upper(email)'], found ['lower(email)']",
        ),
    ],
)
def test_index(conn: Conn, sql: str, changes: Expect, problem: str):
    conn.execute("SET LOCAL search_path = platform")
    conn.execute(sql.encode())
    index = INDEX.model_copy(update=changes)
    found = detail(conn, check_indexes, indexes=(index,))
    assert problem in found and (bool(problem) is bool(found))


def test_interrupted_index_is_invalid(owner, conn: Conn):
    owner.execute("UPDATE platform.users SET display_name = 'twice'")
    with pytest.raises(errors.UniqueViolation):
        owner.execute(
            "CREATE UNIQUE INDEX CONCURRENTLY i ON platform.users (display_name)"
        )
    owner.execute("ALTER INDEX platform.i RENAME TO j")
    index = INDEX.model_copy(
        update={"name": "platform.j", "columns": ("display_name",), "unique": True}
    )
    assert "is INVALID" in detail(conn, check_indexes, indexes=(index,))


def test_index_check_leaves_no_temporary_table(conn: Conn):
    conn.execute("CREATE INDEX i ON platform.users (id)")
    detail(
        conn, check_indexes, indexes=(INDEX.model_copy(update={"name": "platform.i"}),)
    )
    found = conn.execute("SELECT to_regclass('pg_temp.pgflight_shape') AS t").fetchone()
    assert found == {"t": None}


ORGS = "REFERENCES platform.organizations (id)"


@pytest.mark.parametrize(
    ("sql", "changes", "problem"),
    [
        (f"{ADD_KEY} {ORGS}", {}, ""),
        ("SELECT 1", {}, "does not exist"),
        (f"{ADD_KEY} {ORGS} NOT VALID", {}, "is NOT VALID"),
        (f"{ADD_KEY} {ORGS} ON DELETE CASCADE", {}, "ON DELETE: expected NO ACTION"),
        (f"{ADD_KEY} {ORGS} ON UPDATE SET NULL", {}, "found SET NULL"),
        (f"{ADD_KEY} {ORGS}; {KEY_AGAIN} {ORGS}", {}, "exists 2 times"),
        (
            f"{ADD_KEY} REFERENCES platform.users (id)",
            {},
            "references: expected platform.organizations, found platform.users",
        ),
        (
            f"{ADD_KEY} REFERENCES platform.users (id)",
            {"references": "platform.users", "referenced_columns": ("id",)},
            "",
        ),
        (
            f"{ADD_KEY} {ORGS}",
            {"referenced_columns": ("name",)},
            "referenced columns: expected ['name'], found ['id']",
        ),
        (
            "CREATE TABLE platform.t (u uuid, o uuid, FOREIGN KEY (u, o)"
            " REFERENCES platform.org_members)",
            {
                "table": "platform.t",
                "columns": ("o", "u"),
                "references": "platform.org_members",
            },
            "does not exist",
        ),
    ],
)
def test_foreign_key(conn: Conn, sql: str, changes: Expect, problem: str):
    conn.execute(sql.encode())
    key = KEY.model_copy(update=changes)
    found = detail(conn, check_foreign_keys, foreign_keys=(key,))
    assert problem in found and (bool(problem) is bool(found))


@pytest.mark.parametrize(
    ("made", "changes", "problem"),
    [
        ("int LANGUAGE sql AS 'SELECT 1'", {"returns": "int", "body": "SELECT 1"}, ""),
        ("int LANGUAGE sql STABLE AS 'SELECT 1'", {}, "volatility: expected VOLATILE"),
        ("int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", {}, "security definer"),
        ("int LANGUAGE sql AS 'SELECT 1'", {"search_path": "pg_catalog"}, "found None"),
        (
            "int LANGUAGE sql SET search_path = pg_catalog, pg_temp AS 'SELECT 1'",
            {"search_path": '"pg_catalog","pg_temp"'},
            "",
        ),
        (
            "int LANGUAGE sql SET search_path = public AS 'SELECT 1'",
            {},
            "search_path: expected None, found public",
        ),
        (
            "int LANGUAGE sql AS 'SELECT 1'",
            {"owner": "platform_app"},
            "owner: expected",
        ),
        ("int LANGUAGE sql AS 'SELECT 1'", {"execute": ()}, "found ['PUBLIC']"),
        ("int LANGUAGE sql AS 'SELECT 1'", {"execute": ("PUBLIC",)}, ""),
        ("int LANGUAGE sql AS 'SELECT 1'", {"body": "SELECT 2"}, "body: not the one"),
        ("int LANGUAGE sql AS 'SELECT 1'", {"comment": "x"}, "comment: expected x"),
        ("int LANGUAGE sql AS 'SELECT 1'", {"returns": "bigint"}, "found integer"),
        ("SETOF int LANGUAGE sql AS 'SELECT 1'", {"returns": "setof int"}, ""),
        ("SETOF int LANGUAGE sql AS 'SELECT 1'", {"returns": "int"}, "SETOF integer"),
        (
            "TABLE (a int, b varchar(3)) LANGUAGE sql AS 'SELECT 1, null'",
            {"returns": "table(a int, b varchar(3))"},
            "",
        ),
        (
            "TABLE (a int) LANGUAGE sql AS 'SELECT 1'",
            {"returns": "TABLE(a bigint)"},
            "result: expected TABLE(a bigint), found TABLE(a integer)",
        ),
    ],
)
def test_function(conn: Conn, made: str, changes: Expect, problem: str):
    conn.execute(f"{MAKE} {made}".encode())
    function = FUNCTION.model_copy(update=changes)
    found = detail(conn, check_functions, functions=(function,))
    assert problem in found and (bool(problem) is bool(found))


def test_function_of_other_types_does_not_count(conn: Conn):
    conn.execute("CREATE FUNCTION platform.f(text) RETURNS int RETURN 1")
    assert detail(conn, check_functions, functions=(FUNCTION,)) == "does not exist"


def test_procedure_has_no_result(conn: Conn):
    conn.execute("CREATE PROCEDURE platform.f(int) LANGUAGE sql AS 'SELECT 1'")
    assert detail(conn, check_functions, functions=(FUNCTION,)) == ""


def test_superusers_security_definer_fails(admin, conn: Conn):
    admin.execute(f"{MAKE} int SECURITY DEFINER RETURN 1")
    definer = DefinerExpectation(signature="platform.f(int)")
    found = detail(conn, check_functions, definers=(definer,))
    assert "superuser postgres" in found
    assert 'what = "superuser-definer"\nname = "platform.f(int)"' in found


@pytest.mark.parametrize("role", ["platform_owner", "platform_app"])
def test_security_definer_of_others_passes(admin, conn: Conn, role: str):
    admin.execute(f"{MAKE} int SECURITY DEFINER RETURN 1")
    admin.execute(f"ALTER FUNCTION platform.f(int) OWNER TO {role}".encode())
    definer = DefinerExpectation(signature="platform.f(int)")
    assert detail(conn, check_functions, definers=(definer,)) == ""


OBJECTS = [
    ("table", "platform.users", None),
    ("index", "platform.users_pkey", None),
    ("schema", "platform", None),
    ("type", "platform.users", None),
    ("column", "email", "platform.users"),
    ("constraint", "users_pkey", "platform.users"),
]


@pytest.mark.parametrize(("kind", "name", "table"), OBJECTS)
def test_object_is_there(conn: Conn, kind: str, name: str, table: str | None):
    there = ObjectExpectation(kind=kind, name=name, table=table)  # type: ignore[arg-type]
    gone = there.model_copy(update={"present": False})
    assert detail(conn, check_objects, objects=(there,)) == ""
    assert detail(conn, check_objects, objects=(gone,)) == "is still there"


@pytest.mark.parametrize(
    "kind",
    [
        "table",
        "function",
        "type",
        "schema",
        "trigger",
        "policy",
        "constraint",
        "column",
    ],
)
def test_object_is_gone(conn: Conn, kind: str):
    name = "platform.nix(int)" if kind == "function" else "nix"
    there = ObjectExpectation(kind=kind, name=name, table="platform.users")  # type: ignore[arg-type]
    gone = there.model_copy(update={"present": False})
    assert detail(conn, check_objects, objects=(there,)) == "does not exist"
    assert detail(conn, check_objects, objects=(gone,)) == ""


def test_refused_question_fails_only_its_own_check(conn: Conn):
    conn.execute(f"{ADD} int".encode())
    bad = COLUMN.model_copy(update={"table": "no name"})
    checks = check_structure(conn, Expectations(columns=(bad, COLUMN)))
    assert [check.verdict for check in checks] == [Verdict.FAIL, Verdict.PASS]


def test_contention_is_no_failed_check(owner, admin, conn: Conn):
    owner.execute("CREATE INDEX i ON platform.users (id)")
    conn.execute("SET LOCAL lock_timeout = 50")
    wanted = Expectations(indexes=(INDEX.model_copy(update={"name": "platform.i"}),))
    with admin.transaction(), pytest.raises(errors.LockNotAvailable):
        admin.execute("LOCK TABLE platform.users IN ACCESS EXCLUSIVE MODE")
        check_structure(conn, wanted)
