"""The lock-timeout ladder: patient enough for autovacuum, never beyond the budget."""

import pytest

from flows.migration.ladder import ladder


def test_ladder_with_the_defaults() -> None:
    timeouts = [rung.lock_timeout_ms for rung in ladder(1_000, 2_000)]
    assert timeouts == [200, 200, 500, 500, 1_500, 500, 1_500]


@pytest.mark.parametrize("deadlock_timeout_ms", [200, 1_000, 5_000])
def test_two_rungs_outlast_the_deadlock_check(deadlock_timeout_ms: int) -> None:
    rungs = ladder(deadlock_timeout_ms, 60_000)
    patient = [r for r in rungs if r.lock_timeout_ms >= deadlock_timeout_ms + 500]
    assert len(patient) >= 2
    assert rungs[-1] in patient


@pytest.mark.parametrize("budget_ms", [100, 300, 1_000])
def test_no_rung_takes_the_whole_budget(budget_ms: int) -> None:
    longest_ms = max(rung.lock_timeout_ms for rung in ladder(1_000, budget_ms))
    assert 0 < longest_ms <= budget_ms * 0.75


def test_pauses_grow_and_none_follows_the_last_attempt() -> None:
    pauses = [rung.pause_ms for rung in ladder(1_000, 2_000)]
    assert pauses[:-1] == sorted(pauses[:-1])
    assert sum(pauses) == 30_500
    assert pauses[-1] == 0
