"""Brief steps wait for locks so that nobody else is a deadlock's victim."""

import pytest

from flows.database.online.patience import hasty
from flows.migration.ladder import ladder


@pytest.mark.parametrize("deadlock_timeout_ms", [100, 1_000, 10_000])
@pytest.mark.parametrize("tables", [2, 3, 5])
def test_all_waits_together_are_shorter_than_deadlock_timeout(
    deadlock_timeout_ms: int, tables: int
):
    rungs = hasty(ladder(deadlock_timeout_ms, 2_000), deadlock_timeout_ms, tables)
    longest_ms = max(rung.lock_timeout_ms for rung in rungs)
    assert 0 < longest_ms * tables < deadlock_timeout_ms


def test_as_many_attempts_as_ever():
    assert len(hasty(ladder(1_000, 2_000), 1_000, 2)) == len(ladder(1_000, 2_000))
