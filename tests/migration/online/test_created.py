"""What a CREATE makes, and how it is removed."""

from collections.abc import Callable

import pytest

from flows.migration.online.created import created_by
from flows.migration.script import Statement

One = Callable[[str], Statement]
TRIGGER = "TRIGGER g AFTER INSERT ON s.t EXECUTE FUNCTION f()"


@pytest.mark.parametrize(
    ("sql", "name", "undo"),
    [
        ("TABLE s.t ()", "s.t", "DROP TABLE IF EXISTS s.t"),
        ("VIEW s.v AS SELECT 1", "s.v", "DROP VIEW IF EXISTS s.v"),
        ("SEQUENCE q", "q", "DROP SEQUENCE IF EXISTS q"),
        ("TYPE s.e AS ENUM ()", "s.e", "DROP TYPE IF EXISTS s.e"),
        ("TYPE s.c AS (a int)", "s.c", "DROP TYPE IF EXISTS s.c"),
        ("TYPE r AS RANGE (subtype = int)", "r", "DROP TYPE IF EXISTS r"),
        ("DOMAIN s.d AS int", "s.d", "DROP DOMAIN IF EXISTS s.d"),
        ('SCHEMA "S"', '"S"', 'DROP SCHEMA IF EXISTS "S"'),
        ("EXTENSION x", "x", "DROP EXTENSION IF EXISTS x"),
        (TRIGGER, "s.t.g (trigger)", "DROP TRIGGER IF EXISTS g ON s.t"),
        ("POLICY p ON t", "t.p (policy)", "DROP POLICY IF EXISTS p ON t"),
    ],
)
def test_created_thing_can_be_removed(one: One, sql: str, name: str, undo: str) -> None:
    made = created_by(one(f"CREATE {sql}").node)
    assert (made.name, made.undo, made.must_be_new) == (name, undo, True)


def test_function_is_removed_by_its_input_types(one: One) -> None:
    sql = "CREATE FUNCTION f(a int, OUT b int, VARIADIC c text[]) LANGUAGE sql AS ''"
    assert created_by(one(sql).node).undo == "DROP FUNCTION IF EXISTS f(int, text[])"


def test_procedure_is_removed_as_one(one: One) -> None:
    sql = "CREATE PROCEDURE f() LANGUAGE sql AS ''"
    assert created_by(one(sql).node).undo == "DROP PROCEDURE IF EXISTS f()"


@pytest.mark.parametrize(
    "sql",
    [
        "TABLE IF NOT EXISTS t ()",
        "OR REPLACE VIEW v AS SELECT 1",
        "SEQUENCE IF NOT EXISTS q",
        "SCHEMA IF NOT EXISTS s",
        "EXTENSION IF NOT EXISTS x",
        f"OR REPLACE {TRIGGER}",
        "OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS ''",
        "MATERIALIZED VIEW IF NOT EXISTS v AS SELECT 1 WITH NO DATA",
    ],
)
def test_created_thing_may_be_there(one: One, sql: str) -> None:
    assert not created_by(one(f"CREATE {sql}").node).must_be_new


def test_nothing_else_is_created(one: One) -> None:
    with pytest.raises(TypeError, match="makes nothing with a name"):
        created_by(one("CREATE CAST (int AS text) WITH INOUT").node)
