"""COMMIT, and what to believe when its answer is lost.

The error that a client gets for a lost COMMIT is the same whether the server
committed, aborted or is still at it. So the fence is taken again: once it is
granted, the old transaction is over, and the ledger has its row or has not.
pg_xact_status is not asked: after a crash it may answer for somebody else's
transaction (measured: wrong in 43 of 80 rounds).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from flows.database.connection import (
    Cause,
    Conn,
    cause_of,
    in_words,
    one,
    session,
)
from flows.database.ledger import FENCE_KEY, FENCE_WAIT_MS, wait_for_fence
from flows.database.standby import confirmation, end_wait, patience_ms
from flows.migration.command import command
from flows.migration.commit_state import CommitState
from flows.migration.errors import (
    ApplyFailed,
    CommitUnknown,
    ConnectionFailed,
    QueryFailed,
)
from flows.migration.flight import Flight

RECONCILE_FOR_S = 60
"""Long enough for a crash recovery or a failover of a healthy cluster."""

HasCommitted = Callable[[Conn], bool]
"""Asks the ledger, behind the fence, whether the transaction's row is there."""


@dataclass(frozen=True)
class Answer:
    """What a COMMIT came to.

    Attributes:
        state: ACKED or RECONCILED_COMMITTED.
        is_replicated: False when a standby was to confirm it, and none did in time.
    """

    state: CommitState
    is_replicated: bool = True


def commit(
    conn: Conn, flight: Flight, has_committed: HasCommitted, key: int = FENCE_KEY
) -> Answer:
    """Send COMMIT and learn what became of it.

    Raises:
        ConnectionFailed: it was lost and did not commit: trying again is safe.
        ApplyFailed: the server refused the COMMIT and rolled back.
        CommitUnknown: nobody can be asked.
        psycopg.Error: contention at the COMMIT, or the budget; it rolled back.
    """
    report = flight.report
    report.commit = CommitState.SENT
    pid = conn.info.backend_pid
    try:
        with confirmation(conn, flight) as confirmed:
            conn.commit()
    except psycopg.Error as error:
        cause = cause_of(error)
        if cause in (Cause.CONTENTION, Cause.REFUSAL):
            # The server has said that it rolled back.
            report.commit = CommitState.NOT_SENT
            raise _refused(error) if cause is Cause.REFUSAL else error from None
        conn.close()
        report.commit = CommitState.UNKNOWN
        answer = reconcile(flight, has_committed, key, pid=pid)
        if answer:
            report.commit = answer.state
            return answer
        report.commit = CommitState.RECONCILED_ABORTED
        if cause is Cause.BUDGET:
            raise
        raise ConnectionFailed(
            "The connection was lost at COMMIT; the ledger shows that the"
            " transaction was rolled back"
        ) from None
    report.commit = CommitState.ACKED
    return Answer(CommitState.ACKED, not confirmed.is_missing)


def _refused(error: psycopg.Error) -> ApplyFailed:
    return ApplyFailed(
        f"COMMIT was refused: {in_words(error)}",
        error.diag.message_detail or "",
    )


def reconcile(
    flight: Flight,
    has_committed: HasCommitted,
    key: int = FENCE_KEY,
    pid: int = 0,
) -> Answer | None:
    """Find out whether a transaction committed whose answer was lost.

    Args:
        key: the advisory lock that the transaction held.
        pid: the backend that was to commit.

    Returns:
        None when it did not commit.

    Raises:
        CommitUnknown: the database could not be asked, or is not the same one.
    """
    deadline = time.monotonic() + RECONCILE_FOR_S
    reason, hung = "", False
    while time.monotonic() < deadline:
        try:
            has_it = _ask(flight, has_committed, key)
            state = CommitState.RECONCILED_COMMITTED
            return Answer(state, not hung) if has_it else None
        except (ConnectionFailed, QueryFailed) as error:
            reason = error.message
            hung = _end_standby_wait(flight, pid) or hung
            time.sleep(0.5)
    recover = command("recover", target=flight.target.name)
    raise CommitUnknown(
        "COMMIT was sent, its answer was lost, and the ledger could not be asked"
        f" for {RECONCILE_FOR_S:g} s: {reason}",
        "Do not run the migration by hand. Once the database answers, run"
        f" `{recover}`: run {flight.run_id} is in the ledger if it committed.",
    )


def _ask(flight: Flight, has_committed: HasCommitted, key: int) -> bool:
    purpose = f"reconcile {flight.run_id} {flight.migration.version}"
    with session(flight.target, purpose) as conn:
        found = one(conn, "select_identity")
        _assert_same_database(flight, found["system_identifier"], found["database"])
        if found["in_recovery"]:
            raise _elsewhere("a standby")
        wait_for_fence(conn, key, min(FENCE_WAIT_MS, patience_ms(flight)))
        has_it = has_committed(conn)
        if not has_it and found["timeline"] != flight.identity.timeline:
            # What is there was committed. What is not there may be on the old primary.
            raise _elsewhere("a server that was promoted since, and has no such run")
        return has_it


def _assert_same_database(flight: Flight, system_identifier: str, name: str) -> None:
    identity = flight.identity
    if (system_identifier, name) != (identity.system_identifier, identity.database):
        raise _elsewhere("another database")


def _elsewhere(place: str) -> CommitUnknown:
    return CommitUnknown(
        f"COMMIT was sent and its answer lost; the URL now leads to {place}",
        "Find the server that was primary at the COMMIT before anything else.",
    )


def _end_standby_wait(flight: Flight, pid: int) -> bool:
    """A COMMIT that hangs keeps the fence; True if it was one, and is released."""
    purpose = f"release {flight.run_id} {flight.migration.version}"
    try:
        with session(flight.target, purpose) as conn:
            return end_wait(conn, pid, flight.run_id)
    except (ConnectionFailed, QueryFailed):
        return False
