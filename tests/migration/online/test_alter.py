"""ALTER TABLE: what is brief in one statement, and the rest in steps of its own."""

import pytest

from tests.migration.online.conftest import Plan, Refusal

BRIEF = "ALTER TABLE t ALTER c SET DEFAULT 1, ALTER d DROP NOT NULL, SET (fillfactor=9)"


def test_brief_commands_share_their_statement(plan: Plan) -> None:
    (step,) = plan(BRIEF)
    assert (step.kind, step.statements) == ("brief", (BRIEF,))


def test_change_of_what_was_there_cannot_be_undone(step) -> None:
    assert not step("ALTER TABLE t ALTER c SET DEFAULT 1").is_undoable
    assert not step("ALTER TABLE t ENABLE ROW LEVEL SECURITY").is_undoable


@pytest.mark.parametrize(
    "change", ["ALTER c SET DEFAULT 1", "SET (fillfactor = 9)", "DROP COLUMN c"]
)
def test_change_of_a_new_table_can_be_undone(step, change: str) -> None:
    assert step(f"CREATE TABLE t (c int); ALTER TABLE t {change}").is_undoable


def test_drop_may_run_twice(step) -> None:
    (text,) = step("ALTER TABLE t DROP COLUMN c, DROP CONSTRAINT d").statements
    assert text == "ALTER TABLE t DROP IF EXISTS c, DROP CONSTRAINT IF EXISTS d"


def test_slow_parts_follow_the_brief_ones(plan: Plan) -> None:
    steps = plan("ALTER TABLE t ADD UNIQUE (a), ADD COLUMN c int, ALTER b SET NOT NULL")
    kinds = [step.kind for step in steps]
    assert kinds == ["brief", "index", "brief", "brief", "validate", "brief"]


def test_replaced_constraint_is_never_missing(plan: Plan) -> None:
    sql = "ALTER TABLE t DROP CONSTRAINT IF EXISTS k, ADD CONSTRAINT k CHECK (c > 0)"
    brief, validate = plan(sql)
    assert brief.statements == (f"{sql} NOT VALID",)
    assert validate.kind == "validate"


def test_replacing_a_constraint_counts_on_its_being_new(plan: Plan) -> None:
    sql = "ALTER TABLE t DROP CONSTRAINT IF EXISTS k, ADD CONSTRAINT k CHECK (c > 0)"
    brief, _ = plan(sql)
    assert brief.is_undoable
    assert brief.owns == ("t.k (constraint)",)


def test_column_dropped_is_no_constraint_replaced(plan: Plan) -> None:
    brief, _ = plan("ALTER TABLE t DROP COLUMN k, ADD CONSTRAINT k CHECK (c > 0)")
    assert not brief.is_undoable


def test_if_exists_is_kept_where_one_statement_does(step) -> None:
    sql = "ALTER TABLE IF EXISTS t ADD COLUMN c int"
    (text,) = step(sql).statements
    assert text == "ALTER TABLE IF EXISTS t ADD COLUMN IF NOT EXISTS c int"


def test_validating_an_old_constraint_cannot_be_undone(step) -> None:
    assert not step("ALTER TABLE t VALIDATE CONSTRAINT k").is_undoable


@pytest.mark.parametrize(
    "change", ["ADD CONSTRAINT k CHECK (c > 0) NOT VALID", "ALTER c SET NOT NULL"]
)
def test_if_exists_is_refused_where_one_does_not(refusal, change: str) -> None:
    assert "Leave out IF EXISTS" in refusal(f"ALTER TABLE IF EXISTS t {change}")


def test_constraint_dropped_for_good_cannot_be_brought_back(step) -> None:
    assert not step("ALTER TABLE t DROP CONSTRAINT k").is_undoable
    assert not step("ALTER TABLE t DROP CONSTRAINT k, ADD COLUMN c int").is_undoable


def test_composite_type_is_refused(refusal: Refusal) -> None:
    assert "not known" in refusal("ALTER TYPE p ADD ATTRIBUTE c int")
