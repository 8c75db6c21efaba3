"""A subquery in FROM is limited to the keys of the batch."""

import pytest

from tests.migration.online.conftest import Plan, Refusal

UPDATE = "UPDATE t AS u SET c = f.v FROM {} WHERE f.id = u.id AND u.c IS NULL"
KEYS = "(SELECT u.id FROM t u WHERE u.c IS NULL"
RANGE = "AND u.ctid >= %(low)s::tid AND u.ctid < %(high)s::tid)"


@pytest.mark.parametrize(
    ("subquery", "key"),
    [
        ("SELECT DISTINCT ON (id) id, v FROM p ORDER BY id, w", "id"),
        ("SELECT DISTINCT ON (p.k) p.k AS id, v FROM p", "p.k"),
        ("SELECT DISTINCT ON (id) p.k AS id, v FROM p", "p.k"),
        ("SELECT DISTINCT ON (id) * FROM p", "id"),
        ("SELECT DISTINCT ON (1) k AS id, v FROM p", "k"),
        ("SELECT DISTINCT id, v FROM p", "id"),
        ("SELECT id, max(v) AS v FROM p GROUP BY id", "id"),
        ("SELECT lower(k) AS id, max(v) AS v FROM p GROUP BY lower(k), w", "lower(k)"),
        ("SELECT k AS id, max(v) AS v FROM p GROUP BY 1 HAVING count(*) > 1", "k"),
    ],
)
def test_batch_reads_the_groups_of_its_rows(step, subquery: str, key: str) -> None:
    (text,) = step(UPDATE.format(f"({subquery}) AS f")).statements
    assert f" FROM p WHERE {key} IN {KEYS} {RANGE}" in text


def test_filter_of_the_subquery_is_kept(step) -> None:
    grouped = "(SELECT DISTINCT ON (id) id, v FROM p WHERE w > 1) AS f"
    (text,) = step(UPDATE.format(grouped)).statements
    assert f"FROM p WHERE w > 1 AND id IN {KEYS}" in text


def test_only_the_groups_of_rows_that_are_left_are_read(step) -> None:
    left = step(UPDATE.format("(SELECT DISTINCT id, v FROM p) AS f")).left
    assert f"FROM p WHERE id IN {KEYS})" in left


def test_guard_that_reads_the_subquery_does_not_limit_it(step) -> None:
    distinct = UPDATE.replace("u.c IS NULL", "u.c IS DISTINCT FROM f.v")
    grouped = "(SELECT id, max(v) AS v FROM p GROUP BY id) AS f"
    (text,) = step(distinct.format(grouped)).statements
    assert "FROM p WHERE id IN (SELECT u.id FROM t u WHERE u.ctid >=" in text


def test_join_within_from_is_looked_into(step) -> None:
    joined = "q JOIN (SELECT DISTINCT id, v FROM p) AS f ON q.id = f.id"
    (text,) = step(UPDATE.format(joined)).statements
    assert f"FROM p WHERE id IN {KEYS}" in text


@pytest.mark.parametrize(
    "items",
    ["p AS f", "(SELECT id, v FROM p WHERE w) AS f", "(VALUES (1, 2)) AS f (id, v)"],
)
def test_rest_is_left_to_the_server(step, items: str) -> None:
    (text,) = step(UPDATE.format(items)).statements
    assert f"FROM {items.replace(' AS', '').replace('f (', 'f(')} WHERE f.id" in text


@pytest.mark.parametrize(
    "subquery",
    [
        "SELECT DISTINCT ON (k) id, v FROM p",
        "SELECT DISTINCT ON (7) id, v FROM p",
        "SELECT max(id) AS id, v FROM p GROUP BY v",
        "SELECT id, v FROM p GROUP BY GROUPING SETS ((id), (v))",
        "SELECT id, v FROM p LIMIT 1",
        "SELECT id, v FROM p OFFSET 1",
        "SELECT id, v FROM p UNION SELECT id, v FROM q",
        "WITH x AS (SELECT 1) SELECT id, v FROM p",
        "SELECT id, max(v) OVER () AS v FROM p",
        "SELECT id, v FROM p FOR UPDATE",
        "SELECT max(id) AS id, max(v) AS v FROM p",
        "SELECT DISTINCT id, v FROM p GROUP BY id, v",
        "SELECT id, v FROM (SELECT id, v FROM p) AS x",
    ],
)
def test_query_that_reads_all_for_each_batch_is_refused(
    refusal: Refusal, subquery: str
) -> None:
    assert "in full for every batch" in refusal(UPDATE.format(f"({subquery}) AS f"))


@pytest.mark.parametrize("tie", ["u.id = ANY (f.id)", "u.id >= f.id", "f.id = 1"])
def test_key_is_tied_by_equality_with_a_column(refusal: Refusal, tie: str) -> None:
    sql = UPDATE.replace("f.id = u.id", tie)
    assert "no `=` of the WHERE ties" in refusal(
        sql.format("(SELECT DISTINCT id, v FROM p) AS f")
    )


def test_function_in_from_is_refused(refusal: Refusal) -> None:
    assert "call its function again" in refusal(UPDATE.format("upper('') AS f (id, v)"))


@pytest.mark.parametrize(
    ("subquery", "is_taken"),
    [
        ("(SELECT id, max(v) AS v FROM p GROUP BY id)", True),
        ("(SELECT id, max(v) AS v FROM p GROUP BY id, w)", False),
        ("(SELECT id, v FROM p)", False),
        ("p", False),
    ],
)
def test_value_that_is_compared_must_be_the_only_one(
    refusal: Refusal, subquery: str, is_taken: bool
) -> None:
    distinct = UPDATE.replace("u.c IS NULL", "u.c IS DISTINCT FROM f.v")
    assert bool(refusal(distinct.format(f"{subquery} AS f"))) is not is_taken


def test_second_item_of_from_may_match_twice(plan: Plan, refusal: Refusal) -> None:
    distinct = UPDATE.replace("u.c IS NULL", "u.c IS DISTINCT FROM f.v")
    grouped = "(SELECT id, max(v) AS v FROM p GROUP BY id) AS f"
    assert plan(distinct.format(grouped))
    assert "back and forth" in refusal(distinct.format(f"{grouped}, q"))
