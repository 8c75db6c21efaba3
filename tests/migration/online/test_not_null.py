"""SET NOT NULL by way of a validated CHECK."""

from tests.migration.online.conftest import Plan

SET = "ALTER TABLE t ALTER c SET NOT NULL"
LONG = "é" * 30


def test_check_comes_before_and_goes_after(plan: Plan) -> None:
    adding, validating, setting = plan(SET)
    check = "ADD CONSTRAINT pgflight_c_filled CHECK (c IS NOT NULL) NOT VALID"
    assert check in adding.statements[0]
    assert validating.statements[0].endswith("VALIDATE CONSTRAINT pgflight_c_filled")
    assert setting.statements[0] == "ALTER TABLE t ALTER COLUMN c SET NOT NULL"
    assert setting.statements[1].endswith("DROP CONSTRAINT IF EXISTS pgflight_c_filled")


def test_column_that_was_not_null_stays_so(plan: Plan) -> None:
    (made,) = plan(SET)[-1].makes
    assert (made.must_be_new, "attnotnull" in made.exists) == (False, True)


def test_not_null_can_be_taken_back(step) -> None:
    assert step(SET).undo == ("ALTER TABLE IF EXISTS t ALTER COLUMN c DROP NOT NULL",)


def test_long_name_is_not_left_to_the_server_to_shorten(plan: Plan) -> None:
    names = {
        plan(f"ALTER TABLE t ALTER {name} SET NOT NULL")[0].makes[0].name
        for name in (LONG, LONG[:-1] + "è")
    }
    assert len(names) == 2
    assert all(len(name.encode()) <= len("t. (constraint)") + 63 for name in names)
