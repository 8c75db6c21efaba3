"""INSERT of a few rows, each with a key."""

import pytest

from flows.migration.online.insertion import MAX_ROWS
from tests.migration.online.conftest import Refusal

ONCE = "ON CONFLICT (id) DO NOTHING"


def test_rows_are_inserted_as_they_are(step) -> None:
    sql = f"INSERT INTO t (id, v) VALUES (1, 'a'), (2, now()) {ONCE}"
    assert step(sql).statements == (sql,)


def test_rows_in_an_old_table_stay(step) -> None:
    assert not step(f"INSERT INTO t (id) VALUES (1) {ONCE}").is_undoable


def test_rows_in_a_new_table_go_with_it(step) -> None:
    sql = f"CREATE TABLE t (id int); INSERT INTO t (id) VALUES (1) {ONCE}"
    assert step(sql).is_undoable


@pytest.mark.parametrize(
    "sql",
    [
        "(id) VALUES (1)",
        "(id) VALUES (1) ON CONFLICT DO NOTHING",
        "(id) VALUES (1) ON CONFLICT ON CONSTRAINT k DO NOTHING",
        "(id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 1",
        "(id) VALUES (1) ON CONFLICT (id) WHERE id > 1 DO NOTHING",
        "(id) VALUES (1) ON CONFLICT (id, lower(v)) DO NOTHING",
        f"(v) VALUES ('a') {ONCE}",
        f"VALUES (1) {ONCE}",
        f"(id) VALUES (DEFAULT) {ONCE}",
        f"(id) VALUES (1), (NULL) {ONCE}",
        f"(v, id) VALUES ('a') {ONCE}",
    ],
)
def test_rows_that_may_come_twice_are_refused(refusal: Refusal, sql: str) -> None:
    assert "once more" in refusal(f"INSERT INTO t {sql}")


def test_query_of_rows_is_refused(refusal: Refusal) -> None:
    assert "number of rows" in refusal(f"INSERT INTO t (id) SELECT 1 {ONCE}")


def test_too_many_rows_are_refused(refusal: Refusal) -> None:
    rows = ", ".join(["(1)"] * (MAX_ROWS + 1))
    assert "number of rows" in refusal(f"INSERT INTO t (id) VALUES {rows} {ONCE}")


def test_rows_with_another_query_are_refused(refusal: Refusal) -> None:
    sql = f"WITH d AS (DELETE FROM p) INSERT INTO t (id) VALUES (1) {ONCE}"
    assert "number of rows" in refusal(sql)
