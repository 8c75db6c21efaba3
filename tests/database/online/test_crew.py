"""What every step works with: what is felt of all of them together."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from flows.database.online.crew import Felt
from flows.migration.report import Waits


def test_waits_of_workers_that_end_together_all_count(monkeypatch: pytest.MonkeyPatch):
    add = Waits.__add__

    def add_slowly(self: Waits, other: Waits) -> Waits:
        both = add(self, other)
        time.sleep(0.05)
        return both

    monkeypatch.setattr(Waits, "__add__", add_slowly)
    felt = Felt()
    with ThreadPoolExecutor(3) as workers:
        list(workers.map(felt.add_waits, [Waits(sessions=1, samples=1)] * 3))
    assert (felt.waits.sessions, felt.waits.samples) == (3, 3)
