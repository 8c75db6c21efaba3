"""VALIDATE CONSTRAINT."""

from flows.migration.locking import Mode
from flows.migration.locks import Lock
from tests.migration.online.conftest import Plan

WEAK: Mode = "SHARE UPDATE EXCLUSIVE"


def test_validation_keeps_only_schema_changes_waiting(step) -> None:
    found = step("ALTER TABLE s.t ADD CONSTRAINT k CHECK (c > 0)")
    assert found.locks == (Lock("s.t", WEAK),)
    assert (found.kind, found.table, found.orphans) == ("validate", "s.t", None)


def test_validation_of_a_key_reads_the_other_table(step) -> None:
    found = step("ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES s.p (id)")
    assert found.locks == (Lock("t", WEAK), Lock("s.p", "ROW SHARE"))


def test_validation_needs_no_undoing(plan: Plan) -> None:
    validation = plan("ALTER TABLE t ADD CHECK (c > 0)")[-1]
    assert (validation.is_undoable, validation.undo) == (True, ())


def test_validation_written_out_belongs_to_its_constraint(step) -> None:
    add = "ALTER TABLE t ADD CONSTRAINT k CHECK (c > 0) NOT VALID"
    assert step(f"{add}; ALTER TABLE t VALIDATE CONSTRAINT k").is_undoable
