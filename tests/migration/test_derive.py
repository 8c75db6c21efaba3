"""What a script promises by itself: never more than its text tells for certain."""

from collections.abc import Callable

import pytest

from flows.migration.expectation import Expectations, ForeignKeyExpectation

Derived = Callable[[str], Expectations]

CREATE = "CREATE FUNCTION f(uuid) RETURNS int LANGUAGE sql AS '';"


@pytest.mark.parametrize(
    ("definition", "type_", "nullable"),
    [
        ("uuid", "uuid", True),
        ("uuid NULL", "uuid", True),
        ("character varying(20) NOT NULL", "varchar(20)", False),
        ("timestamp with time zone[]", "timestamp with time zone[]", True),
        ("p.\"Mood\" DEFAULT 'ok'", 'p."Mood"', True),
        ("bigserial", "bigint", False),
        ("int GENERATED ALWAYS AS IDENTITY", "int", False),
        ("int PRIMARY KEY", "int", False),
        ("int UNIQUE", "int", True),
    ],
)
def test_added_column_is_expected(
    derived: Derived, definition: str, type_: str, nullable: bool
) -> None:
    (column,) = derived(f"ALTER TABLE p.t ADD COLUMN a {definition}").columns
    assert (column.table, column.name) == ("p.t", "a")
    assert (column.type, column.nullable) == (type_, nullable)


@pytest.mark.parametrize(
    ("then", "nullable"),
    [
        ("ALTER TABLE t ALTER a SET NOT NULL", False),
        ("ALTER TABLE t ALTER a SET NOT NULL, ALTER a DROP NOT NULL", True),
        ("ALTER TABLE t ADD PRIMARY KEY (a)", False),
        ("ALTER TABLE t ADD COLUMN IF NOT EXISTS a int NOT NULL", True),
    ],
)
def test_nullability_is_followed(derived: Derived, then: str, nullable: bool) -> None:
    (column,) = derived(f"ALTER TABLE t ADD a int; {then}").columns
    assert column.nullable is nullable


def test_changed_type_is_followed(derived: Derived) -> None:
    sql = "ALTER TABLE t ADD a int; ALTER TABLE t ALTER a TYPE numeric(9, 2)"
    assert derived(sql).columns[0].type == "numeric(9, 2)"


def test_created_table_is_expected_with_its_columns(derived: Derived) -> None:
    found = derived("CREATE TABLE p.t (a int, b text, PRIMARY KEY (b), LIKE q.u)")
    assert [(c.name, c.nullable) for c in found.columns] == [("a", True), ("b", False)]
    assert [(o.kind, o.name) for o in found.objects] == [("table", "p.t")]


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t ADD a uuid REFERENCES p.o (id) ON DELETE SET NULL",
        "ALTER TABLE t ADD a uuid, ADD FOREIGN KEY (a) REFERENCES p.o (id)"
        " ON DELETE SET NULL",
        "CREATE TABLE t (a uuid, FOREIGN KEY (a) REFERENCES p.o (id)"
        " ON DELETE SET NULL)",
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES p.o (id)"
        " ON DELETE SET NULL NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT k",
    ],
)
def test_foreign_key_is_expected(derived: Derived, sql: str) -> None:
    expected = ForeignKeyExpectation(
        table="t",
        columns=("a",),
        references="p.o",
        referenced_columns=("id",),
        on_delete="SET NULL",
    )
    assert derived(sql).foreign_keys == (expected,)


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o NOT VALID",
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o NOT ENFORCED",
        "ALTER TABLE t ADD a int REFERENCES o; ALTER TABLE t DROP CONSTRAINT t_a_fkey",
        "ALTER TABLE t ADD a int REFERENCES o; ALTER TABLE t DROP a",
        "ALTER TABLE t ADD a int REFERENCES o; DROP TABLE o CASCADE",
        "ALTER TABLE t ADD a int REFERENCES o, ADD FOREIGN KEY (a) REFERENCES u",
    ],
)
def test_uncertain_foreign_key_is_not_expected(derived: Derived, sql: str) -> None:
    assert derived(sql).foreign_keys == ()


def test_index_is_expected_in_its_tables_schema(derived: Derived) -> None:
    (index,) = derived(
        'CREATE UNIQUE INDEX i ON p.t USING gin (a, "B" DESC, lower(c), (d + 1))'
        " INCLUDE (e) WHERE a IS NOT NULL"
    ).indexes
    assert (index.name, index.table, index.method) == ("p.i", "p.t", "gin")
    assert index.columns == ("a", '"B"', "lower(c)", "(d + 1)")
    assert (index.unique, index.predicate) == (True, "a IS NOT NULL")


def test_index_on_only_a_partitioned_table_may_be_invalid(derived: Derived) -> None:
    found = derived("CREATE INDEX i ON ONLY p.t (a)")
    assert found.indexes == ()
    assert [(o.kind, o.name) for o in found.objects] == [("index", "p.i")]


def test_index_that_became_a_constraint_is_forgotten(derived: Derived) -> None:
    sql = "CREATE UNIQUE INDEX i ON p.t (a); ALTER TABLE p.t ADD UNIQUE USING INDEX i"
    assert derived(sql).indexes == ()


def test_function_is_expected(derived: Derived) -> None:
    (function,) = derived(
        "CREATE OR REPLACE FUNCTION p.f(a uuid, OUT b int, VARIADIC c text[])"
        " RETURNS int LANGUAGE plpgsql STABLE SECURITY DEFINER"
        ' SET search_path = pg_catalog, "My", pg_temp AS $x$ body $x$'
    ).functions
    assert function.signature == "p.f(uuid, text[])"
    assert (function.returns, function.volatility) == ("int", "STABLE")
    assert function.security_definer
    assert function.search_path == 'pg_catalog, "My", pg_temp'
    assert function.body == " body "
    assert (function.owner, function.execute) == (None, None)


@pytest.mark.parametrize(
    "returns",
    ["SETOF uuid", "TABLE (a int)", "trigger", "anyelement", "t.a%TYPE", "char(3)"],
)
def test_result_that_cannot_be_compared_is_not_checked(
    derived: Derived, returns: str
) -> None:
    sql = f"CREATE FUNCTION f() RETURNS {returns} LANGUAGE plpgsql AS ''"
    assert derived(sql).functions[0].returns is None


def test_lengths_in_a_function_do_not_count(derived: Derived) -> None:
    sql = "CREATE FUNCTION f(varchar(9)) RETURNS numeric(9, 2) LANGUAGE sql AS ''"
    (function,) = derived(sql).functions
    assert (function.signature, function.returns) == ("f(varchar)", "numeric")


@pytest.mark.parametrize(
    "definition",
    ["LANGUAGE c AS 'lib', 'symbol'", "LANGUAGE sql RETURN 1"],
)
def test_body_that_is_elsewhere_is_not_checked(
    derived: Derived, definition: str
) -> None:
    sql = f"CREATE FUNCTION f() RETURNS int {definition}"
    assert derived(sql).functions[0].body is None


def test_last_definition_wins(derived: Derived) -> None:
    again = "CREATE OR REPLACE FUNCTION f(uuid) RETURNS int LANGUAGE sql AS 'SELECT 2'"
    (function,) = derived(f"{CREATE} ALTER FUNCTION f(uuid) STABLE; {again}").functions
    assert (function.body, function.volatility) == ("SELECT 2", "VOLATILE")


def test_overloaded_functions_are_told_apart(derived: Derived) -> None:
    other = "CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS '';"
    found = derived(f"{CREATE} {other} ALTER FUNCTION f(text) IMMUTABLE").functions
    assert [function.volatility for function in found] == ["VOLATILE", "IMMUTABLE"]


@pytest.mark.parametrize(
    ("then", "field", "value"),
    [
        ("ALTER FUNCTION f(uuid) OWNER TO r", "owner", "r"),
        ("ALTER FUNCTION f(uuid) OWNER TO CURRENT_USER", "owner", None),
        ("ALTER FUNCTION f SECURITY DEFINER", "security_definer", True),
        ("ALTER FUNCTION f(uuid) SET search_path = ''", "search_path", '""'),
        ("COMMENT ON FUNCTION f(uuid) IS 'x'", "comment", "x"),
    ],
)
def test_altered_function_is_followed(
    derived: Derived, then: str, field: str, value: object
) -> None:
    (function,) = derived(f"{CREATE} {then}").functions
    assert getattr(function, field) == value


def test_search_path_from_the_session_is_not_known(derived: Derived) -> None:
    found = derived(f"{CREATE} ALTER FUNCTION f(uuid) SET search_path FROM CURRENT")
    assert found.functions == ()


@pytest.mark.parametrize(
    ("then", "execute"),
    [
        ("", None),
        ("GRANT EXECUTE ON FUNCTION f(uuid) TO a", None),
        ("REVOKE ALL ON FUNCTION f(uuid) FROM PUBLIC", ()),
        ("REVOKE ALL ON FUNCTION f FROM PUBLIC; GRANT ALL ON ROUTINE f TO a", ("a",)),
        ("GRANT ALL ON FUNCTION f TO PUBLIC, a", ("PUBLIC", "a")),
        (
            "REVOKE ALL ON FUNCTION f FROM PUBLIC; GRANT ALL ON FUNCTION f TO a, b;"
            " REVOKE EXECUTE ON FUNCTION f FROM b",
            ("a",),
        ),
        (
            "REVOKE ALL ON FUNCTION f FROM PUBLIC; GRANT ALL ON FUNCTION f TO a;"
            " ALTER FUNCTION f OWNER TO a",
            (),
        ),
        ("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA p FROM PUBLIC", None),
        (
            "REVOKE ALL ON FUNCTION f FROM PUBLIC;"
            " GRANT ALL ON FUNCTION f TO CURRENT_USER",
            None,
        ),
        ("REVOKE ALL ON FUNCTION f(text) FROM PUBLIC", None),
        ("REVOKE GRANT OPTION FOR EXECUTE ON FUNCTION f FROM PUBLIC", None),
    ],
)
def test_execute_is_known_once_public_is_settled(
    derived: Derived, then: str, execute: tuple[str, ...] | None
) -> None:
    assert derived(f"{CREATE} {then}").functions[0].execute == execute


def test_column_comment_is_expected(derived: Derived) -> None:
    sql = "ALTER TABLE p.t ADD a int; COMMENT ON COLUMN p.t.a IS 'x'"
    assert derived(sql).columns[0].comment == "x"


@pytest.mark.parametrize(
    ("sql", "kind", "name", "table", "present"),
    [
        ("CREATE VIEW p.v AS SELECT 1", "view", "p.v", None, True),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1", "view", "v", None, True),
        ("CREATE TABLE t AS SELECT 1", "table", "t", None, True),
        ("CREATE SEQUENCE s", "sequence", "s", None, True),
        ("CREATE TYPE p.e AS ENUM ('a')", "type", "p.e", None, True),
        ("CREATE TYPE c AS (a int)", "type", "c", None, True),
        ("CREATE DOMAIN d AS int", "type", "d", None, True),
        ('CREATE SCHEMA "S"', "schema", '"S"', None, True),
        ('CREATE POLICY "P" ON p.t', "policy", "P", "p.t", True),
        (
            "CREATE TRIGGER g AFTER INSERT ON p.t EXECUTE FUNCTION f()",
            "trigger",
            "g",
            "p.t",
            True,
        ),
        (
            "ALTER TABLE p.t ENABLE ROW LEVEL SECURITY",
            "row level security",
            "p.t",
            None,
            True,
        ),
        (
            "ALTER TABLE t DISABLE ROW LEVEL SECURITY",
            "row level security",
            "t",
            None,
            False,
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)",
            "constraint",
            "c",
            "t",
            True,
        ),
        ("ALTER TABLE t DROP CONSTRAINT c", "constraint", "c", "t", False),
        ("ALTER TABLE p.t DROP COLUMN a", "column", "a", "p.t", False),
        ("DROP TABLE p.t", "table", "p.t", None, False),
        ("DROP INDEX p.i", "index", "p.i", None, False),
        ("DROP VIEW v", "view", "v", None, False),
        ("DROP TYPE p.e", "type", "p.e", None, False),
        ("DROP SCHEMA s", "schema", "s", None, False),
        ("DROP FUNCTION p.f(int, uuid)", "function", "p.f(int, uuid)", None, False),
        ("DROP POLICY y ON p.t", "policy", "y", "p.t", False),
        ("DROP TRIGGER g ON t", "trigger", "g", "t", False),
    ],
)
def test_object_is_expected(
    derived: Derived, sql: str, kind: str, name: str, table: str | None, present: bool
) -> None:
    (found,) = derived(sql).objects
    assert (found.kind, found.name, found.table) == (kind, name, table)
    assert found.present is present


@pytest.mark.parametrize(
    ("sql", "objects"),
    [
        ("CREATE TABLE t (a int); DROP TABLE t", [("table", "t", False)]),
        ("DROP VIEW v; CREATE VIEW v AS SELECT 1", [("view", "v", True)]),
        ("DROP TABLE x; CREATE VIEW x AS SELECT 1", [("view", "x", True)]),
        ("DROP TABLE x; CREATE VIEW p.x AS SELECT 1", [("view", "p.x", True)]),
        ("DROP FUNCTION f(uuid);" + CREATE, []),
        ("CREATE POLICY y ON t; DROP TABLE t", [("table", "t", False)]),
        ("DROP TABLE a; ALTER TABLE b RENAME TO a", []),
        ("DROP TABLE a; ALTER TABLE s.a SET SCHEMA p", []),
        ("CREATE VIEW v AS SELECT 1; DROP TABLE t CASCADE", [("table", "t", False)]),
        ("DROP TRIGGER g ON t; DO $$ EXECUTE 'CREATE TRIGGER g' $$", []),
    ],
)
def test_later_statements_override_earlier_ones(
    derived: Derived, sql: str, objects: list[tuple[str, str, bool]]
) -> None:
    found = derived(sql)
    assert [(o.kind, o.name, o.present) for o in found.objects] == objects
    assert found.columns == ()


@pytest.mark.parametrize(
    "then",
    [
        "ALTER TABLE p.t RENAME TO u",
        "ALTER TABLE p.t RENAME COLUMN a TO b",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE p.t SET SCHEMA q",
        "ALTER SCHEMA p RENAME TO q",
        "DROP SCHEMA p CASCADE",
        "DROP TYPE q CASCADE",
        "DROP OWNED BY r",
        "DROP TABLE p.t",
        "ALTER TABLE p.t DROP COLUMN a",
    ],
)
def test_what_cannot_be_followed_is_forgotten(derived: Derived, then: str) -> None:
    found = derived(f"ALTER TABLE p.t ADD a int; CREATE INDEX i ON p.t (a); {then}")
    assert (found.columns, found.indexes) == ((), ())


def test_function_of_an_unknown_schema_is_forgotten(derived: Derived) -> None:
    create = CREATE.replace("f(", "p.f(")
    assert derived(f"{create} ALTER FUNCTION f(uuid) STABLE").functions == ()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TEMP TABLE t (a int); CREATE INDEX i ON t (a); ALTER TABLE t ADD b int",
        "CREATE TEMP TABLE t (a int); DROP TABLE t",
        "SELECT 1 INTO TEMP t",
        "CREATE TEMP VIEW v AS SELECT 1",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS ''",
        "ALTER TABLE IF EXISTS t ADD a int",
        "CREATE INDEX ON t (a)",
        "CREATE FUNCTION f(t.a%TYPE) RETURNS int LANGUAGE sql AS ''",
        "DROP FUNCTION f",
        "DROP FUNCTION f(mood)",
        "DROP EXTENSION e",
        "DO $$ BEGIN CREATE TABLE t (); END $$",
        "UPDATE t SET a = 1",
        "SET search_path = p; CREATE TABLE t (a int)",
        "CREATE TABLE t (a int); SELECT set_config('search_path', 'p', true)",
    ],
)
def test_what_is_not_certain_is_not_expected(derived: Derived, sql: str) -> None:
    assert derived(sql) == Expectations()


@pytest.mark.parametrize(
    "sql", ["SET search_path = ''", "SELECT set_config('search_path', '', false)"]
)
def test_empty_search_path_moves_nothing(derived: Derived, sql: str) -> None:
    assert derived(f"{sql}; CREATE TABLE p.t ()").objects
