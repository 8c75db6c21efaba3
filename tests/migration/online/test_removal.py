"""DROP of anything but an index."""

from tests.migration.online.conftest import Plan


def test_drop_may_run_twice(step) -> None:
    assert step("DROP TABLE s.t").statements == ("DROP TABLE IF EXISTS s.t",)


def test_drop_of_what_was_there_cannot_be_undone(step) -> None:
    assert not step("DROP TABLE IF EXISTS s.t").is_undoable


def test_drop_of_what_the_script_made_needs_no_undoing(step) -> None:
    assert step("CREATE TABLE s.t (); DROP TABLE s.t").is_undoable
    assert step("CREATE POLICY p ON t; DROP POLICY p ON t").is_undoable


def test_name_is_free_after_a_drop(plan: Plan) -> None:
    assert plan("CREATE TABLE t (); DROP TABLE t; CREATE TABLE t ()")


def test_thing_dropped_and_made_anew_takes_two_steps(plan: Plan) -> None:
    assert len(plan("DROP TABLE t; CREATE TABLE t ()")) == 2
    function = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''"
    assert len(plan(f"DROP FUNCTION f(); {function}")) == 2
