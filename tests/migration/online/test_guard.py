"""The proof that an UPDATE changes no row twice."""

import pytest

from tests.migration.online.conftest import Plan, Refusal

NO_PROOF = "leaves out the rows that it has changed"


@pytest.mark.parametrize(
    ("value", "condition"),
    [
        ("1", "c IS NULL"),
        ("upper(d)", "t.c IS NULL AND e > 1"),
        ("c || d", "c IS NULL"),
        ("1", "c IS DISTINCT FROM 1"),
        ("d + 1", "c IS DISTINCT FROM d + 1"),
        ("lower(t.d)", "e > 1 AND t.c IS DISTINCT FROM lower(t.d)"),
        ("'x'", "c <> 'x'"),
        ("'x'::e", "c <> 'x'::e"),
        ("(SELECT v FROM p)", "c IS DISTINCT FROM (SELECT v FROM p)"),
        ("(SELECT p.c FROM p)", "c IS DISTINCT FROM (SELECT p.c FROM p)"),
    ],
)
def test_guard_is_found(plan: Plan, value: str, condition: str) -> None:
    assert plan(f"UPDATE t SET c = {value} WHERE {condition}")


@pytest.mark.parametrize(
    ("value", "condition"),
    [
        ("1", "true"),
        ("1", "d IS NULL"),
        ("1", "p.c IS NULL"),
        ("1", "c IS NOT NULL"),
        ("1", "c IS NULL OR d IS NULL"),
        ("1", "NOT c IS NULL"),
        ("1", "c = 2"),
        ("1", "c <> 2"),
        ("1", "d <> 2"),
        ("1", "1 <> 2"),
        ("'{1}'", "c <> ANY ('{1}')"),
        ("d", "c <> d"),
        ("1", "c > 1"),
        ("NULL", "c <> NULL"),
        ("d + 1", "c IS DISTINCT FROM d"),
        ("1", "c IS NOT DISTINCT FROM 1"),
        ("c + 1", "c IS DISTINCT FROM c + 1"),
        ("t.c + 1", "c IS DISTINCT FROM t.c + 1"),
        ("s.t.c + 1", "c IS DISTINCT FROM s.t.c + 1"),
        ("t::text", "c IS DISTINCT FROM t::text"),
        ("to_json(t.*)", "c IS DISTINCT FROM to_json(t.*)"),
        ("ctid::text", "c IS DISTINCT FROM ctid::text"),
        ("now()", "c IS DISTINCT FROM now()"),
        ("current_date", "c IS DISTINCT FROM current_date"),
        ("random()", "c IS DISTINCT FROM random()"),
    ],
)
def test_guard_is_missing(refusal: Refusal, value: str, condition: str) -> None:
    assert NO_PROOF in refusal(f"UPDATE t SET c = {value} WHERE {condition}") or (
        "volatile" in refusal(f"UPDATE t SET c = {value} WHERE {condition}")
    )


@pytest.mark.parametrize("guard", ["c IS NULL", "c <> 1", "c IS DISTINCT FROM 1"])
def test_constant_may_be_set_however_many_rows_match(plan: Plan, guard: str) -> None:
    assert plan(f"UPDATE t SET c = 1 FROM p WHERE p.id = t.id AND {guard}")


def test_guard_may_not_compare_with_another_set_column(refusal: Refusal) -> None:
    sql = "UPDATE t SET c = d, d = 1 WHERE c IS DISTINCT FROM d"
    assert NO_PROOF in refusal(sql)


def test_guard_of_another_table_column_of_the_name_is_none(refusal: Refusal) -> None:
    sql = "UPDATE t SET c = p.v FROM p WHERE p.id = t.id AND p.c IS NULL"
    assert NO_PROOF in refusal(sql)


@pytest.mark.parametrize(
    "value",
    ["1", "'x'::e", "coalesce(d, 1)", "now()", "current_date", "gen_random_uuid()"],
)
def test_value_that_is_never_null_needs_no_proof(step, value: str) -> None:
    filled = step(f"UPDATE t SET c = {value}, e = d WHERE c IS NULL")
    assert filled.left == "SELECT t.ctid, t.xmin FROM t WHERE c IS NULL"


@pytest.mark.parametrize("value", ["d", "coalesce(d, e)", "NULL", "current_schema"])
def test_value_that_may_be_null_is_asked_for(step, value: str) -> None:
    filled = step(f"UPDATE t SET c = {value} WHERE c IS NULL")
    assert filled.left.upper().endswith(f"{value.upper()} IS NOT NULL")


def test_null_for_several_columns_is_refused(refusal: Refusal) -> None:
    assert "again and again" in refusal("UPDATE t SET c = d, e = 1 WHERE c IS NULL")
