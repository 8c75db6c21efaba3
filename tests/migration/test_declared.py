"""Declared expectations win over derived ones, field by field."""

from collections.abc import Callable

import pytest

from flows.migration.declared import lay_over
from flows.migration.expectation import Expectations
from flows.migration.manifest import Manifest

Laid = Callable[[str, dict[str, object]], Expectations]

UP = """
ALTER TABLE p.t ADD a uuid REFERENCES p.o;
CREATE INDEX i ON p.t (a);
CREATE FUNCTION p.f(a int) RETURNS int LANGUAGE sql STABLE AS '';
"""


@pytest.fixture
def laid(derived: Callable[[str], Expectations]) -> Laid:
    return lambda sql, declared: lay_over(
        derived(sql), Manifest.model_validate(declared)
    )


def test_declared_field_wins(laid: Laid) -> None:
    column = {"table": "p.t", "name": "a", "type": "text"}
    (found,) = laid(
        UP + "COMMENT ON COLUMN p.t.a IS 'x'", {"columns": [column]}
    ).columns
    assert (found.type, found.comment) == ("text", "x")


@pytest.mark.parametrize(
    ("signature", "count"),
    [("p.f(integer)", 1), ("P.F ( int4 )", 1), ("p.f(text)", 2), ("q.f(int)", 2)],
)
def test_function_is_recognised_by_its_signature(
    laid: Laid, signature: str, count: int
) -> None:
    functions = [{"signature": signature, "execute": ["app"]}]
    found = laid(UP, {"functions": functions}).functions
    assert len(found) == count
    assert found[-1].execute == ("app",)
    assert found[0].volatility == "STABLE"


def test_matched_index_keeps_its_qualified_name(laid: Laid) -> None:
    index = {"name": "i", "table": "t", "columns": ["b"]}
    (found,) = laid(UP, {"indexes": [index]}).indexes
    assert (found.name, found.table, found.columns) == ("p.i", "p.t", ("b",))


def test_foreign_key_is_recognised_by_its_columns(laid: Laid) -> None:
    key = {"table": "p.t", "columns": ["a"], "references": "p.u"}
    (found,) = laid(UP, {"foreign_keys": [key]}).foreign_keys
    assert found.references == "p.u"


def test_what_is_only_declared_is_added(laid: Laid) -> None:
    key = {"table": "p.t", "columns": ["b"], "references": "p.o"}
    found = laid(UP, {"foreign_keys": [key]}).foreign_keys
    assert [expected.columns for expected in found] == [("a",), ("b",)]


def test_backfill_comes_from_the_manifest(laid: Laid) -> None:
    backfill = {"table": "p.t", "column": "a", "valid": "SELECT 1, 2"}
    found = laid(UP, {"backfill": backfill}).backfill
    assert found is not None
    assert found.column == "a"
