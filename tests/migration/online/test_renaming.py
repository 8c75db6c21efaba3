"""RENAME, where the old name is there and the new one is not."""

import pytest

from tests.migration.online.conftest import Plan, Refusal


@pytest.mark.parametrize(
    ("sql", "back"),
    [
        ("ALTER TABLE s.a RENAME TO b", "ALTER TABLE s.b RENAME TO a"),
        ("ALTER INDEX s.a RENAME TO b", "ALTER INDEX s.b RENAME TO a"),
        ("ALTER VIEW a RENAME TO b", "ALTER VIEW b RENAME TO a"),
        (
            "ALTER TABLE t RENAME COLUMN a TO b",
            "ALTER TABLE t RENAME COLUMN b TO a",
        ),
        (
            "ALTER TABLE t RENAME CONSTRAINT a TO b",
            "ALTER TABLE t RENAME CONSTRAINT b TO a",
        ),
    ],
)
def test_rename_can_be_taken_back(step, sql: str, back: str) -> None:
    renaming = step(sql)
    assert f"\nTHEN\n{sql}\n" in renaming.statements[0]
    assert f"\nTHEN\n{back}\n" in renaming.undo[0]


def test_rename_is_done_once(step) -> None:
    (text,) = step("ALTER TABLE a RENAME TO b").statements
    exists = "( SELECT pg_catalog.to_regclass('{}') IS NOT NULL )"
    assert f"{exists.format('a')} AND NOT {exists.format('b')}" in text


def test_renamed_thing_is_not_the_scripts_own(step) -> None:
    sql = "ALTER TABLE t RENAME COLUMN a TO b; UPDATE t SET b = 1 WHERE b IS NULL"
    assert not step(sql).is_undoable


def test_thing_under_a_name_that_was_renamed_away_is_not(step) -> None:
    away = "CREATE TABLE t (); ALTER TABLE t RENAME TO n; ALTER TABLE o RENAME TO t"
    assert not step(f"{away}; COMMENT ON TABLE t IS ''").is_undoable


def test_name_taken_after_a_rename_takes_a_step_of_its_own(plan: Plan) -> None:
    assert len(plan("ALTER SEQUENCE a RENAME TO b; CREATE SEQUENCE a")) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "FUNCTION f() RENAME TO g",
        "TYPE a RENAME TO b",
        "POLICY p ON t RENAME TO q",
        "TRIGGER g ON t RENAME TO h",
        "SCHEMA a RENAME TO b",
    ],
)
def test_other_renames_are_refused(refusal: Refusal, sql: str) -> None:
    assert "run twice" in refusal(f"ALTER {sql}")
