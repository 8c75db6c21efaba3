"""A column whose type may be a domain."""

import pytest

from tests.migration.online.conftest import Plan, Refusal

ADD = "ALTER TABLE t ADD COLUMN c"


@pytest.mark.parametrize("type_name", ["int", "uuid", "pg_catalog.json", "s.d[]"])
def test_type_that_is_no_domain_is_not_asked_for(plan: Plan, type_name: str) -> None:
    assert len(plan(f"{ADD} {type_name}")[0].statements) == 1


def test_type_that_may_be_a_domain_is_asked_for_first(plan: Plan) -> None:
    ask, _ = plan(f"{ADD} s.d")[0].statements
    assert "to_regtype('s.d')" in ask
    assert "RAISE EXCEPTION 'a column of a domain rewrites the table" in ask


def test_column_of_a_new_table_may_have_one(plan: Plan) -> None:
    assert plan(f"CREATE DOMAIN d AS int; CREATE TABLE t (); {ADD} d")


def test_domain_of_the_script_is_refused(refusal: Refusal) -> None:
    assert "a domain rewrites the table" in refusal(f"CREATE DOMAIN d AS int; {ADD} d")


def test_enum_of_the_script_is_taken(refusal: Refusal) -> None:
    assert not refusal(f"CREATE TYPE d AS ENUM ('a'); {ADD} d")
