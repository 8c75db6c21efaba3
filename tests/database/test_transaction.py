"""The transaction: what it held, and since when."""

import time

import pytest

from flows.database.apply import apply
from flows.database.attempt import Work, commit_once
from flows.database.transaction import FencedTransaction
from flows.migration.errors import QueryFailed
from flows.migration.flight import Flight
from flows.migration.report import LockHeld
from tests.database.conftest import HASTY, quiet

WEAK = "LOCK TABLE platform.users IN ROW EXCLUSIVE MODE"
WRITES = "LOCK TABLE platform.users IN SHARE ROW EXCLUSIVE MODE"
ALL = "LOCK TABLE platform.users IN ACCESS EXCLUSIVE MODE"


def locking(*modes: str, pause_s: float = 0.0) -> Work[None]:
    """Takes one lock after the other."""

    def run(transaction: FencedTransaction) -> None:
        transaction.start_clock()
        for mode in modes:
            with transaction.step("up.sql:1:1", mode):
                transaction.conn.execute(mode.encode())
            time.sleep(pause_s)

    return Work("apply", ("platform.users",), run, lambda conn: False)


def held(flight: Flight, work: Work[None]) -> dict[str, LockHeld]:
    return {lock.mode: lock for lock in commit_once(flight, work, quiet, HASTY).locks}


def test_lock_counts_from_its_own_beginning(flight: Flight) -> None:
    """Not from that of a weaker one on the same table, which nobody waits for."""
    before = flight.report.offset_ms(time.monotonic())
    locks = held(flight, locking(WEAK, WRITES, pause_s=0.1))
    assert locks.keys() == {"SHARE ROW EXCLUSIVE"}
    assert locks["SHARE ROW EXCLUSIVE"].at_ms >= before + 100


def test_each_lock_that_blocks_more_is_reported(flight: Flight) -> None:
    locks = held(flight, locking(WRITES, ALL, pause_s=0.1))
    writes, everything = locks["SHARE ROW EXCLUSIVE"], locks["ACCESS EXCLUSIVE"]
    assert writes.held_ms >= everything.held_ms + 100
    assert everything.at_ms >= writes.at_ms + 100


def test_lock_is_placed_in_the_run(flight: Flight) -> None:
    before = flight.report.offset_ms(time.monotonic())
    lock = held(flight, locking(ALL))["ACCESS EXCLUSIVE"]
    after = flight.report.offset_ms(time.monotonic())
    assert before <= lock.at_ms <= lock.at_ms + lock.held_ms <= after


def test_locks_of_an_attempt_that_failed_are_reported(flight: Flight) -> None:
    with pytest.raises(QueryFailed):
        commit_once(flight, locking(ALL, "SELECT 1/0", pause_s=0.1), quiet, HASTY)
    (lock,) = flight.report.locks_in_vain
    assert (lock.table, lock.mode) == ("platform.users", "ACCESS EXCLUSIVE")
    assert lock.held_ms >= 100


def test_statement_is_placed_in_the_run(flight: Flight) -> None:
    before = flight.report.offset_ms(time.monotonic())
    starts = [done.at_ms for done in apply(flight, quiet).statements]
    assert starts == sorted(starts)
    assert before < starts[0]
