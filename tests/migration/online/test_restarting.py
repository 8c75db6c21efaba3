"""RESTART of a sequence."""

import pytest

from tests.migration.online.conftest import Plan, Refusal


@pytest.mark.parametrize(
    "sql", ["ALTER SEQUENCE q RESTART WITH 5", "ALTER TABLE t ALTER c RESTART"]
)
def test_restart_is_refused(refusal: Refusal, sql: str) -> None:
    assert "hand out numbers" in refusal(sql)


@pytest.mark.parametrize(
    "sql", ["ALTER SEQUENCE q START 5", "ALTER TABLE t ALTER c SET START 5"]
)
def test_start_is_taken(plan: Plan, sql: str) -> None:
    assert plan(sql)
