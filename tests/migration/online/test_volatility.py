"""Which functions are known to give the same answer each time."""

import pytest

from flows.migration.online.trees import parsed
from flows.migration.online.volatility import (
    GENERATORS,
    aggregates,
    generates,
    has_window,
    unknown_functions,
    varies,
)


@pytest.mark.parametrize(
    ("call", "unknown"),
    [
        ("lower(a) || upper(b)", []),
        ("pg_catalog.lower(a)", []),
        ("extract(year FROM a)", []),
        ("substring(a FROM 1)", []),
        ("now() - a", []),
        ("sum(a)", []),
        ("lower(f(a))", ["f"]),
        ("s.lower(a)", ["s.lower"]),
        ("gen_random_uuid()", ["gen_random_uuid"]),
        ("setval('q', 1)", ["setval"]),
        ("(SELECT f(a))", ["f"]),
    ],
)
def test_unknown_are(call: str, unknown: list[str]) -> None:
    assert unknown_functions(parsed(f"SELECT {call}")) == unknown


@pytest.mark.parametrize("call", ["now()", "current_date", "random()", "f(random())"])
def test_clock_and_chance_vary(call: str) -> None:
    assert varies(parsed(f"SELECT {call}"))


def test_constants_do_not_vary() -> None:
    assert not varies(parsed("SELECT lower('a'), date '2024-01-01'"))


@pytest.mark.parametrize("name", sorted(GENERATORS))
def test_generator_is_found(name: str) -> None:
    assert generates(parsed(f"SELECT {name}()"))
    assert not generates(parsed("SELECT now()"))


def test_aggregate_is_found_at_any_depth() -> None:
    assert aggregates(parsed("SELECT 1 + max(a)"))
    assert not aggregates(parsed("SELECT lower(a)"))


def test_window_is_found_at_any_depth() -> None:
    assert has_window(parsed("SELECT 1 + sum(a) OVER ()"))
    assert not has_window(parsed("SELECT sum(a)"))
