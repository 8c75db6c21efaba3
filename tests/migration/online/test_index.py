"""CREATE INDEX and DROP INDEX, both CONCURRENTLY."""

from flows.migration.locks import Lock
from tests.migration.online.conftest import Plan, Refusal

INDEX = "CREATE UNIQUE INDEX i ON s.t (c) WHERE c > 0"
ONLINE = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON s.t USING btree (c)"


def test_index_is_built_concurrently(step) -> None:
    index = step(INDEX)
    assert (index.kind, index.index, index.table) == ("index", "s.i", "s.t")
    assert index.statements == (f"{ONLINE} WHERE c > 0",)
    assert index.locks == (Lock("s.t", "SHARE UPDATE EXCLUSIVE"),)


def test_index_is_removed_concurrently(step) -> None:
    assert step(INDEX).undo == ("DROP INDEX CONCURRENTLY IF EXISTS s.i",)


def test_index_must_be_new(step) -> None:
    (made,) = step(INDEX).makes
    assert made.must_be_new


def test_index_of_a_new_table_is_built_at_once(step) -> None:
    index = step(f"CREATE TABLE s.t (c int); {INDEX}")
    assert index.kind == "brief"
    assert "CONCURRENTLY" not in "".join(index.statements + index.undo)


def test_index_of_a_table_that_may_be_there_is_not(step) -> None:
    assert step(f"CREATE TABLE IF NOT EXISTS s.t (c int); {INDEX}").kind == "index"


def test_index_of_a_renamed_table_is_not(step) -> None:
    assert step(f"ALTER TABLE s.old RENAME TO t; {INDEX}").kind == "index"


def test_index_of_a_table_replaced_by_a_renamed_one_is_not(step) -> None:
    swap = "ALTER TABLE s.t RENAME TO n; ALTER TABLE s.old RENAME TO t"
    assert step(f"CREATE TABLE s.t (c int); {swap}; {INDEX}").kind == "index"


def test_drop_takes_a_step_for_each_index(plan: Plan) -> None:
    assert [step.statements for step in plan("DROP INDEX s.i, j")] == [
        ("DROP INDEX CONCURRENTLY IF EXISTS s.i",),
        ("DROP INDEX CONCURRENTLY IF EXISTS j",),
    ]


def test_drop_of_an_old_index_cannot_be_undone(step) -> None:
    assert not step("DROP INDEX s.i").is_undoable


def test_index_without_a_name_is_refused(refusal: Refusal) -> None:
    assert "has no name" in refusal("CREATE INDEX ON t (c)")
