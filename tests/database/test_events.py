"""The audit in the ledger: rows are only ever added, and open ends are settled."""

from uuid import UUID, uuid4

import psycopg
import pytest

from flows.database.connection import Conn
from flows.database.events import Event, Kind, append_event, settle_flights
from flows.database.ledger import create_ledger, read_run, record_state
from flows.migration.outcome import Outcome
from tests.database.test_ledger import applied

ME = uuid4()


@pytest.fixture(autouse=True)
def ledger(conn: Conn) -> None:
    create_ledger(conn)


def tell(
    conn: Conn, flight: UUID, run: UUID, kind: Kind, outcome: Outcome | None = None
) -> None:
    append_event(conn, Event(flight, run, "008", kind, "", outcome))


def test_event_names_role_and_client(conn: Conn):
    append_event(conn, Event(ME, ME, "008", "verified", "all is well"))
    event = conn.execute("SELECT actor, client, detail FROM pgflight.event").fetchone()
    assert event is not None and "@" in event["client"]
    assert (event["actor"], event["detail"]) == ("platform_owner", "all is well")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE pgflight.event SET detail = ''",
        "DELETE FROM pgflight.event",
        "TRUNCATE pgflight.event",
    ],
)
def test_events_are_only_added(conn: Conn, change: str):
    with pytest.raises(psycopg.errors.RestrictViolation, match="only ever added"):
        conn.execute(change.encode())


def test_killed_before_its_commit(conn: Conn):
    dead = uuid4()
    tell(conn, dead, dead, "started")
    (settled,) = settle_flights(conn, ME)
    assert (settled.flight_id, settled.outcome) == (dead, Outcome.ROLLED_BACK)
    assert settled.detail == "it never committed"


def test_killed_restore_has_not_undone_what_it_did(conn: Conn):
    flight, run = uuid4(), applied(conn)
    record_state(conn, run, "rolled_back", "", run.run_id)
    event = Event(flight, run.run_id, "008", "started", "restore 008_active_org")
    append_event(conn, event)
    (settled,) = settle_flights(conn, ME)
    assert settled.outcome is None
    assert settled.detail == "what it had put back stays"
    assert settle_flights(conn, ME) == []


def test_killed_after_its_commit(conn: Conn):
    run = applied(conn)
    tell(conn, run.run_id, run.run_id, "started")
    (settled,) = settle_flights(conn, ME)
    assert (settled.outcome, settled.detail) == (None, "the ledger has it as applied")


def test_killed_after_it_was_accepted(conn: Conn):
    run = applied(conn)
    tell(conn, run.run_id, run.run_id, "started")
    record_state(conn, run, "accepted", "", run.run_id)
    (settled,) = settle_flights(conn, ME)
    assert settled.outcome is Outcome.DEPLOYED


def test_unknown_is_settled(conn: Conn):
    lost = uuid4()
    tell(conn, lost, lost, "started")
    tell(conn, lost, lost, "ended", Outcome.UNKNOWN)
    (settled,) = settle_flights(conn, ME)
    assert settled.outcome is Outcome.ROLLED_BACK


def test_what_has_ended_is_left_alone(conn: Conn):
    done = uuid4()
    tell(conn, done, done, "started")
    tell(conn, done, done, "ended", Outcome.BLOCKED)
    assert settle_flights(conn, ME) == []


def test_settled_once(conn: Conn):
    dead = uuid4()
    tell(conn, dead, dead, "started")
    settle_flights(conn, ME)
    assert settle_flights(conn, ME) == []


def test_own_flight_is_not_over(conn: Conn):
    tell(conn, ME, ME, "started")
    assert settle_flights(conn, ME) == []


def test_unfinished_rollback_is_said(conn: Conn):
    run = applied(conn)
    tell(conn, run.run_id, run.run_id, "started")
    conn.execute("UPDATE pgflight.run SET condemned = 'it was slow'")
    (settled,) = settle_flights(conn, ME)
    assert settled.detail == "its rollback is unfinished"
    found = read_run(conn, run.run_id)
    assert found and found.is_being_rolled_back
