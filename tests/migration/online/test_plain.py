"""Statements that run as they are, made fit to run twice."""

import pytest

from tests.migration.online.conftest import Plan

TRIGGER = (
    "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"
)
FUNCTION = "FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$"


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("CREATE TABLE t ()", "CREATE TABLE IF NOT EXISTS t ()"),
        ("CREATE VIEW v AS SELECT 1", "CREATE OR REPLACE VIEW v AS SELECT 1"),
        (f"CREATE {FUNCTION}", f"CREATE OR REPLACE {FUNCTION}"),
        ("CREATE SEQUENCE q", "CREATE SEQUENCE IF NOT EXISTS q"),
        ("CREATE SCHEMA s", "CREATE SCHEMA IF NOT EXISTS s"),
        ("ALTER TYPE e ADD VALUE 'x'", "ALTER TYPE e ADD VALUE IF NOT EXISTS 'x'"),
        ("GRANT a TO b", "GRANT a TO b"),
        ("COMMENT ON TABLE t IS '%'", "COMMENT ON TABLE t IS '%'"),
        ("REVOKE ALL ON t FROM PUBLIC", "REVOKE ALL ON t FROM PUBLIC"),
    ],
)
def test_statement_may_run_twice(step, sql: str, text: str) -> None:
    assert step(sql).statements == (text,)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TYPE e AS ENUM ('a')",
        "CREATE DOMAIN d AS int",
        "CREATE POLICY p ON t",
        "CREATE TYPE c AS (a int)",
        "CREATE TYPE r AS RANGE (subtype = int)",
        TRIGGER,
    ],
)
def test_statement_without_such_a_clause_is_guarded(step, sql: str) -> None:
    (text,) = step(sql).statements
    assert text.startswith("DO $$BEGIN IF\nNOT (")
    assert f"\nTHEN\n{sql}\n" in text


def test_what_or_replace_replaces_is_not_the_scripts_own(step) -> None:
    assert step(f"CREATE OR REPLACE {FUNCTION}").owns == ("f()",)
    assert step(f"CREATE {FUNCTION}").owns == ()


def test_change_of_what_was_there_cannot_be_undone(step) -> None:
    assert not step("COMMENT ON TABLE t IS 'x'").is_undoable
    assert not step("GRANT a TO b").is_undoable


def test_change_of_what_the_script_made_goes_with_it(plan: Plan) -> None:
    steps = plan("CREATE TABLE t (); COMMENT ON TABLE t IS 'x'; GRANT SELECT ON t TO a")
    assert all(step.is_undoable for step in steps)
