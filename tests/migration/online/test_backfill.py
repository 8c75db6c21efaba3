"""UPDATE as batches by physical range."""

from flows.migration.online.backfill import ROW, spare
from tests.migration.online.conftest import Plan, Refusal

CONSTANT = "UPDATE s.t SET c = 1 WHERE c IS NULL"
LOOKUP = "UPDATE t SET c = (SELECT p.v FROM p WHERE p.id = t.id) WHERE t.c IS NULL"
FROM = "UPDATE t SET c = p.v FROM p WHERE p.id = t.id AND t.c IS NULL"
RANGE = "t.ctid >= %(low)s::tid AND t.ctid < %(high)s::tid"
NEVER_TWICE = (
    "UPDATE t SET c = p.v FROM {} WHERE p.id = t.id AND c IS DISTINCT FROM p.v"
)


def test_batch_is_a_range_of_rows(step) -> None:
    assert step(CONSTANT).statements == (
        f"UPDATE s.t SET c = 1 WHERE c IS NULL AND {RANGE}",
    )


def test_batch_of_an_alias_names_it(step) -> None:
    (text,) = step("UPDATE t AS u SET c = 1 WHERE c IS NULL").statements
    assert text.endswith("u.ctid >= %(low)s::tid AND u.ctid < %(high)s::tid")


def test_rows_with_a_guard_are_left(step) -> None:
    assert step(CONSTANT).left == "SELECT t.ctid, t.xmin FROM s.t WHERE c IS NULL"


def test_row_without_a_new_value_is_not_left(step) -> None:
    assert step(FROM).left == (
        "SELECT t.ctid, t.xmin FROM t, p WHERE p.id = t.id AND t.c IS NULL"
        " AND p.v IS NOT NULL"
    )


def test_value_is_looked_up_in_each_row(step) -> None:
    (text,) = step(LOOKUP).statements
    value = "(SELECT p.v FROM p WHERE p.id = t.id)"
    expected = f"SET c = {value} WHERE t.c IS NULL AND {value} IS NOT NULL AND {RANGE}"
    assert text == f"UPDATE t {expected}"


def test_backfill_of_an_old_column_cannot_be_undone(step) -> None:
    assert not step(CONSTANT).is_undoable


def test_backfill_of_a_new_column_goes_with_it(step) -> None:
    filled = step(f"ALTER TABLE s.t ADD COLUMN c int; {CONSTANT}")
    assert (filled.is_undoable, filled.owns) == (True, ())


def test_backfill_counts_on_the_column_being_new(step) -> None:
    filled = step(f"ALTER TABLE s.t ADD COLUMN IF NOT EXISTS c int; {CONSTANT}")
    assert (filled.is_undoable, filled.owns) == (True, ("s.t.c",))


def test_constraint_of_the_same_name_makes_no_column_new(step) -> None:
    sql = f"ALTER TABLE s.t ADD CONSTRAINT c CHECK (d > 0) NOT VALID; {CONSTANT}"
    assert not step(sql).is_undoable


def test_set_not_null_makes_no_column_new(step) -> None:
    assert not step(f"ALTER TABLE s.t ALTER c SET NOT NULL; {CONSTANT}").is_undoable


def test_new_schema_makes_its_tables_new(step) -> None:
    assert step(f"CREATE SCHEMA IF NOT EXISTS s; {CONSTANT}").owns == ("s",)


def test_trigger_of_the_script_may_change_more(step) -> None:
    trigger = "CREATE TRIGGER g BEFORE UPDATE ON s.t EXECUTE FUNCTION f()"
    column = "ALTER TABLE s.t ADD COLUMN c int"
    assert not step(f"{column}; {trigger}; {CONSTANT}").is_undoable
    elsewhere = trigger.replace("s.t", "s.u")
    assert step(f"{column}; {elsewhere}; {CONSTANT}").is_undoable


def test_join_that_may_match_twice_is_refused(refusal: Refusal) -> None:
    assert "back and forth" in refusal(NEVER_TWICE.format("p"))


def test_join_with_a_unique_key_is_taken(plan: Plan) -> None:
    assert plan(NEVER_TWICE.format("(SELECT DISTINCT ON (id) id, v FROM q) AS p"))


def test_random_value_is_set_once(step) -> None:
    (text,) = step("UPDATE t SET c = gen_random_uuid() WHERE c IS NULL").statements
    assert text == f"UPDATE t SET c = gen_random_uuid() WHERE c IS NULL AND {RANGE}"


DISTINCT = "UPDATE s.t AS s SET c = 1, d = lower(s.e) WHERE c IS DISTINCT FROM 1"
OF_C = f"{ROW}.c IS DISTINCT FROM NULL AND EXISTS (SELECT FROM k WHERE id = {ROW}.id)"
C_IS = OF_C.replace(ROW, "s")


def test_what_is_filled_where_it_is_missing_is_not_overwritten(step) -> None:
    assert step(CONSTANT).overwrites == ()
    assert step(DISTINCT).overwrites == ("c", "d")
    both = "UPDATE t SET c = 1, d = 2 WHERE c IS NULL"
    assert step(both).overwrites == ("d",)


def test_rows_whose_guarded_value_is_spared_are_left_out(step) -> None:
    spared = spare(step(DISTINCT), {"c": OF_C})
    assert spared.left == (
        f"SELECT s.ctid, s.xmin FROM s.t s WHERE c IS DISTINCT FROM 1 AND NOT ({C_IS})"
    )
    (text,) = spared.statements
    assert f"AND NOT ({C_IS}) AND s.ctid >=" in text


def test_another_value_that_is_spared_stays_in_a_row_that_is_filled(step) -> None:
    (text,) = spare(step(DISTINCT), {"d": OF_C}).statements
    assert f"SET c = 1, d = CASE WHEN {C_IS} THEN s.d ELSE lower(s.e) END" in text


def test_nothing_else_is_changed_where_nothing_is_spared(step) -> None:
    assert spare(step(DISTINCT), {}) == step(DISTINCT)
