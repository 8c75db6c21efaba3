"""Opening and closing a flight in the ledger, whatever becomes of its transactions."""

from uuid import UUID

from flows.database.connection import (
    CONNECT_ATTEMPTS,
    CONNECTION_CHECK_MS,
    READ_LOCK_TIMEOUT_MS,
    Conn,
    again,
    commit_locally,
    session,
    set_local,
)
from flows.database.events import (
    Event,
    Kind,
    Settled,
    append_event,
    settle_flights,
)
from flows.database.ledger import (
    create_ledger,
    ledger_exists,
    read_runs,
    wait_for_fence,
)
from flows.migration.errors import Blocked
from flows.migration.flight import Flight
from flows.migration.report import Report
from flows.migration.target import Target

CLOSE_LIMIT_MS = 5_000


def open_flight(flight: Flight) -> list[str]:
    """Note that the flight has begun; call it under the claim.

    The ledger is made where it lacks, in a transaction of its own, so that what fails
    later is told too. Flights that were killed are settled on the way.

    Returns:
        A line for each flight that was settled.

    Raises:
        Blocked: another flight was at work until the claim was had.
        ConnectionFailed: the server stayed away.
    """
    # Done twice, because the answer to its COMMIT was lost, it is told twice.
    settled = again(lambda: _open(flight))
    return [f"Flight {one.flight_id} of {one.version}: {one.detail}" for one in settled]


def _open(flight: Flight) -> list[Settled]:
    purpose = f"open {flight.run_id} {flight.migration.version}"
    with session(flight.target, purpose) as conn:
        set_local(conn, "client_connection_check_interval", CONNECTION_CHECK_MS)
        wait_for_fence(conn)
        create_ledger(conn)
        settled = settle_flights(conn, flight.run_id)
        _assert_as_cleared(conn, flight)
        append_event(conn, _started(flight))
        commit_locally(conn)
    return settled


def note(flight: Flight, kind: Kind, detail: str) -> None:
    """Add an event of the flight that changes nothing else.

    Raises:
        ConnectionFailed, QueryFailed: it could not be noted.
    """
    purpose = f"note {flight.run_id} {flight.migration.version}"
    with session(flight.target, purpose, attempts=CONNECT_ATTEMPTS) as conn:
        append_event(conn, _event(flight, kind, detail))
        commit_locally(conn)


def close_flight(
    target: Target, report: Report, run_id: UUID, within_ms: int = CLOSE_LIMIT_MS
) -> None:
    """Note how a flight ended; nothing where there is no ledger.

    Best effort, and over soon: the report is what counts, and it is the same.

    Args:
        run_id: the deployment that it is about; of a flight that was refused, its own.

    Raises:
        ConnectionFailed, QueryFailed: it could not be noted.
    """
    with session(target, f"close {report.run_id} {report.version}") as conn:
        set_local(conn, "statement_timeout", within_ms)
        set_local(conn, "lock_timeout", READ_LOCK_TIMEOUT_MS)
        if ledger_exists(conn):
            append_event(conn, _ended(report, run_id))
        commit_locally(conn)


def _assert_as_cleared(conn: Conn, flight: Flight) -> None:
    run = read_runs(conn).get(flight.migration.version)
    nothing = (None, None, None)
    is_there = run is not None and run.is_in_place
    found = (run.run_id, run.state, run.condemned) if run and is_there else nothing
    if found != (flight.found_as, flight.found_state, flight.condemned):
        now = f"{run.state} by {run.state_by}" if run else "not in place"
        if run and run.is_being_rolled_back:
            now = f"being rolled back, because: {run.condemned}"
        raise Blocked(
            "Another deployment was at work while this one was being cleared:"
            f" migration {flight.migration.version} is {now} now",
            "Run again: it goes on from what the ledger has.",
        )


def _started(flight: Flight) -> Event:
    migration = flight.migration
    what = f"{flight.report.action} {migration.version}_{migration.name}"
    return _event(flight, "started", what)


def _event(flight: Flight, kind: Kind, detail: str) -> Event:
    return Event(
        flight_id=flight.run_id,
        run_id=flight.in_place_as,
        version=flight.migration.version,
        kind=kind,
        detail=detail,
    )


def _ended(report: Report, run_id: UUID) -> Event:
    return Event(
        flight_id=UUID(report.run_id),
        run_id=run_id,
        version=report.version,
        kind="ended",
        detail=": ".join([report.action, *report.errors[:1]]),
        outcome=report.outcome,
    )
