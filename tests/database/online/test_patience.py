"""Brief steps wait for locks so that nobody else is a deadlock's victim."""

import threading
import time
from dataclasses import replace

import psycopg
import pytest

from flows.database.online.crew import Crew
from flows.database.online.fence import held_fence
from flows.database.online.journal import Journal
from flows.database.online.patience import hasty, have_autovacuum_cancelled
from flows.demo.world import World
from flows.migration.flight import Flight
from flows.migration.ladder import ladder
from flows.migration.locks import Lock
from flows.migration.online.rewrite import plan_online
from tests.database.conftest import quiet


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


def test_patience_ends_with_the_budget_and_is_seen(online: Flight, world: World):
    """With a deadlock_timeout of a minute: the application queues behind us."""
    identity = replace(online.identity, deadlock_timeout_ms=60_000)
    flight = replace(online, identity=identity, budget_ms=800)
    step = plan_online(flight.migration.up)[0]
    read = "SELECT 1 FROM platform.users LIMIT 1"
    with (
        psycopg.connect(world.app_url) as blocker,
        psycopg.connect(world.app_url) as app,
        held_fence(flight) as fence,
    ):
        blocker.execute(read)
        innocent = threading.Timer(0.2, app.execute, args=(read,))
        innocent.start()
        # What is not bounded ends with the blocker.
        timer = threading.Timer(5, blocker.close)
        timer.start()
        crew = Crew(flight, fence, Journal(flight), quiet)
        started = time.monotonic()
        locks = [Lock("platform.users", "ACCESS EXCLUSIVE")]
        have_autovacuum_cancelled(crew, step, locks)
        took_s = time.monotonic() - started
        timer.cancel()
        innocent.join()
    assert took_s < 2
    assert crew.felt.waits.longest_ms > 100
