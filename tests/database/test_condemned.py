"""The note of a rollback that has begun: who leaves it, and who takes it back."""

import threading
import time

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.condemned import condemned
from flows.database.ledger import FENCE_KEY
from flows.demo.world import World
from flows.migration.errors import (
    Blocked,
    ConnectionFailed,
    LocksNotObtained,
    RollbackFailed,
    not_replicated,
)
from flows.migration.flight import Flight
from tests.database.conftest import quiet
from tests.fix_flight import MakeFlight


@pytest.fixture
def committed(flight: Flight, make_flight: MakeFlight) -> Flight:
    apply(flight, quiet)
    return make_flight()


def end_with(error: BaseException, flight: Flight, reason: str = "it was slow") -> None:
    with pytest.raises(type(error)), condemned(flight, reason):
        raise error


def noted(owner: psycopg.Connection) -> list[tuple[str | None]]:
    return owner.execute("SELECT condemned FROM pgflight.run").fetchall()


@pytest.mark.parametrize(
    "error", [ConnectionFailed("cut off"), not_replicated(), KeyboardInterrupt()]
)
def test_what_is_cut_short_stays_noted(committed: Flight, owner, error: BaseException):
    end_with(error, committed)
    assert noted(owner) == [("it was slow",)]


@pytest.mark.parametrize("error", [RollbackFailed("no"), Blocked("not now")])
def test_what_is_refused_is_left_to_a_person(
    committed: Flight, owner, error: BaseException
):
    end_with(error, committed)
    assert noted(owner) == [(None,)]


def test_what_an_earlier_run_began_is_not_taken_back_by_a_refusal(
    committed: Flight, make_flight: MakeFlight, owner
):
    """Else a recovery would go on with what somebody has stopped."""
    end_with(KeyboardInterrupt(), committed)
    end_with(LocksNotObtained("not to be had"), make_flight(), "it was begun before")
    # The first reason: a later try would tell of the one before it, and so on.
    assert noted(owner) == [("it was slow",)]


def test_what_an_earlier_run_began_and_cannot_be_is_left_to_a_person(
    committed: Flight, make_flight: MakeFlight, owner
):
    end_with(KeyboardInterrupt(), committed)
    end_with(RollbackFailed("no"), make_flight())
    assert noted(owner) == [(None,)]


def test_somebody_who_only_looks_does_not_leave_the_note(
    committed: Flight, world: World, owner: psycopg.Connection
):
    with psycopg.connect(world.owner_url) as looking:
        begun = threading.Event()

        def look() -> None:
            looking.execute("SELECT pg_advisory_xact_lock(%s)", [FENCE_KEY])
            begun.set()
            time.sleep(0.3)
            looking.rollback()

        with pytest.raises(RollbackFailed), condemned(committed, "it was slow"):
            threading.Thread(target=look).start()
            begun.wait(10)
            raise RollbackFailed("no")
    assert noted(owner) == [(None,)]
