"""Verification after the COMMIT, each part from a fresh session."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from flows.database.backfill import recheck_backfill
from flows.database.behaviour import check_behaviour
from flows.database.checks import (
    check_columns,
    check_foreign_keys,
    check_functions,
    check_indexes,
    check_objects,
)
from flows.database.connection import (
    CONNECT_ATTEMPTS,
    IDLE_LIMIT_MS,
    Cause,
    Conn,
    again,
    cause_of,
    commit_locally,
    reading,
    set_local,
)
from flows.database.fingerprint import take_fingerprint
from flows.database.ledger import (
    FENCE_WAIT_MS,
    Run,
    read_fingerprints,
    read_run,
    record_after,
    record_state,
    wait_for_fence,
)
from flows.database.pinning import pin_target
from flows.database.rights import check_rights
from flows.migration.check import Check
from flows.migration.command import command
from flows.migration.errors import Inconclusive
from flows.migration.expectation import Expectations
from flows.migration.flight import Flight
from flows.migration.probe import Verdict


def verify_columns(flight: Flight) -> list[Check]:
    """Columns, and whatever other objects up.sql made or removed."""
    return _catalogue(flight, check_columns) + _catalogue(flight, check_objects)


def verify_indexes(flight: Flight) -> list[Check]:
    return _catalogue(flight, check_indexes)


def verify_foreign_keys(flight: Flight) -> list[Check]:
    return _catalogue(flight, check_foreign_keys)


def verify_backfill(flight: Flight) -> list[Check]:
    """The backfill in numbers; the application's own writes are no failure."""
    backfill = flight.migration.expectations.backfill
    if backfill is None:
        return []
    with reading(flight.target, _purpose(flight)) as conn:
        try:
            return [recheck_backfill(conn, backfill)]
        except psycopg.Error as error:
            if cause_of(error) is not Cause.REFUSAL:
                raise
            # The transaction has proved its rows, so this is no failure of theirs.
            detail = f"cannot be counted: {error.diag.message_primary}"
    subject = f"{backfill.table}.{backfill.column}"
    verdict = Verdict.INCONCLUSIVE
    return [Check(kind="backfill", subject=subject, verdict=verdict, detail=detail)]


def verify_functions(flight: Flight) -> list[Check]:
    """Definitions first, then the behaviour that verify.sql tries out."""
    checks = _catalogue(flight, check_functions)
    script = flight.migration.verify
    if script is None:
        return checks
    with reading(flight.target, _purpose(flight)) as conn:
        try:
            return [*checks, check_behaviour(conn, script)]
        except psycopg.Error as error:
            if cause_of(error) not in (Cause.CONTENTION, Cause.BUDGET):
                raise
            # Somebody else was in the way: that says nothing about the migration.
            detail = f"not tried out: {error.diag.message_primary}"
    return [
        *checks,
        Check(
            kind="behaviour",
            subject=script.path.name,
            verdict=Verdict.INCONCLUSIVE,
            detail=detail,
        ),
    ]


def verify_privileges(flight: Flight) -> list[Check]:
    """Whether the application may use what the migration has made."""
    with reading(flight.target, _purpose(flight)) as conn:
        return check_rights(conn, flight, is_committed=True)


def record_verified(flight: Flight, detail: str) -> None:
    """Note in the ledger that a run is verified, with the catalogue as it is now
    where its own process did not live to keep that.

    Raises:
        Inconclusive: the run is not in the ledger any more.
    """
    with _recording(flight) as conn:
        run = _run(conn, flight)
        _, after = read_fingerprints(conn, run.run_id)
        if run.state == "applied" and after is None:
            applied = flight.report.applied
            record_after(conn, run.run_id, take_fingerprint(conn), applied)
        record_state(conn, run, "verified", detail, flight.run_id)
        commit_locally(conn)


def record_accepted(flight: Flight, detail: str) -> None:
    """Note in the ledger that a run is accepted; again where the answer is lost.

    Raises:
        Inconclusive: the run is not in the ledger, or somebody rolled it back.
    """
    again(lambda: _record_accepted(flight, detail))


def _record_accepted(flight: Flight, detail: str) -> None:
    with _recording(flight) as conn:
        run = _run(conn, flight)
        if run.state == "accepted":
            # By us, a moment ago: a COMMIT whose answer was lost.
            return
        if not record_state(conn, run, "accepted", detail, flight.run_id):
            raise Inconclusive(
                f"Migration {flight.migration.version} was rolled back, or began to be,"
                " by somebody else while it was being tested",
                f"See {command('status', target=flight.target.name)}",
            )
        pin_target(conn)
        commit_locally(conn)


def find_run(flight: Flight) -> Run | None:
    """The flight's run as the ledger has it; None if it never committed.

    Asked behind the fence: a transaction of ours that is still at its COMMIT would
    otherwise look as if it had never been.

    Raises:
        QueryFailed: somebody holds the fence for longer than we can wait.
    """
    purpose = _purpose(flight)
    with reading(flight.target, purpose, attempts=CONNECT_ATTEMPTS) as conn:
        wait_for_fence(conn)
        return read_run(conn, flight.in_place_as)


@contextmanager
def _recording(flight: Flight) -> Iterator[Conn]:
    """A transaction that writes to the ledger; one that is cut off soon lets go."""
    with reading(flight.target, _purpose(flight)) as conn:
        set_local(conn, "idle_in_transaction_session_timeout", IDLE_LIMIT_MS)
        set_local(conn, "lock_timeout", FENCE_WAIT_MS)
        yield conn


def _run(conn: Conn, flight: Flight) -> Run:
    run = read_run(conn, flight.in_place_as)
    if run is None:
        raise Inconclusive(
            f"The ledger has no run {flight.in_place_as} any more: this may be another"
            " server than the one that committed it",
            "Look for a failover before you do anything else.",
        )
    return run


def _catalogue(
    flight: Flight, check: Callable[[Conn, Expectations], list[Check]]
) -> list[Check]:
    with reading(flight.target, _purpose(flight)) as conn:
        return check(conn, flight.migration.expectations)


def _purpose(flight: Flight) -> str:
    return f"{flight.migration.version} verify {flight.run_id}"
