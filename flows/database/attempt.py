"""Trying a transaction up the lock-timeout ladder until it commits."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import psycopg

from flows.database.autovacuum import have_autovacuum_cancelled
from flows.database.commit import HasCommitted, commit
from flows.database.connection import (
    CONNECT_ATTEMPTS,
    Cause,
    Conn,
    again,
    cause_of,
    reading,
    session,
)
from flows.database.ledger import FENCE_KEY, JUST_ENDED
from flows.database.sessions import describe_blockers
from flows.database.transaction import (
    FIRST_WITH_TRANSACTION_TIMEOUT,
    FencedTransaction,
)
from flows.database.watcher import Watcher
from flows.migration.commit_state import CommitState
from flows.migration.errors import (
    ApplyFailed,
    BudgetExceeded,
    Busy,
    ConnectionFailed,
    ConnectionRefused,
    FenceLost,
    LocksNotObtained,
    PgflightError,
)
from flows.migration.flight import Flight
from flows.migration.ladder import Rung, ladder
from flows.migration.report import LockHeld, StatementTiming, Waits

Result = TypeVar("Result")
Say = Callable[[str], None]
"""Takes a line about what happens, and returns at once; see also `Progress`."""


@dataclass(frozen=True)
class Committed(Generic[Result]):
    """What one committed transaction did, with what its work returned."""

    result: Result
    attempt: int
    total_ms: float
    statements: list[StatementTiming]
    locks: list[LockHeld]
    waits: Waits
    commit: CommitState
    is_replicated: bool


@dataclass(frozen=True)
class Work(Generic[Result]):
    """What is to be done in the transaction.

    Attributes:
        name: apply or rollback; part of application_name.
        tables: those whose locks and blockers are reported.
        run: does it; called anew for each attempt.
        has_committed: asks the ledger afterwards whether it committed.
        key: the advisory lock that the transaction takes first.
    """

    name: str
    tables: Sequence[str]
    run: Callable[[FencedTransaction], Result]
    has_committed: HasCommitted
    key: int = FENCE_KEY


class _TryAgain(Exception):
    """This attempt left nothing behind, and the next one may succeed."""


def commit_once(
    flight: Flight, work: Work[Result], say: Say, rungs: Sequence[Rung] = ()
) -> Committed[Result]:
    """Run the work in one transaction, again where that is safe, and commit it.

    Only what happened before COMMIT was sent is tried again (by SQLSTATE: lost
    connections, lock timeouts, deadlocks, concurrent changes of the catalogue);
    after it the ledger is asked first.

    Args:
        rungs: the ladder; the server's and the budget's own when none is given.

    Raises:
        LocksNotObtained: every rung failed; nothing was written.
        BudgetExceeded: the server ended the transaction; nothing was written.
        PgflightError: whatever the work raised; nothing was written.
        CommitUnknown: see flows.database.commit.
    """
    rungs = rungs or ladder(flight.identity.deadlock_timeout_ms, flight.budget_ms)
    reason = ""
    for number, rung in enumerate(rungs, start=1):
        try:
            if rung.lock_timeout_ms > flight.identity.deadlock_timeout_ms:
                have_autovacuum_cancelled(flight, work.tables)
            return _attempt(flight, work, rung, number)
        except _TryAgain as failed:
            reason = str(failed)
        if number < len(rungs):
            pause_s = rung.pause_ms / 1_000 * random.uniform(0.75, 1.25)
            say(f"Attempt {number} of {len(rungs)}: {reason}; next in {pause_s:.1f} s")
            time.sleep(pause_s)
    raise LocksNotObtained(
        f"Gave up after {len(rungs)} attempts, the last one because {reason}",
        _blockers(flight, work) or "Try again when the tables are less busy.",
    )


def insist(flight: Flight, do: Callable[[], Result]) -> Result:
    """Do something that may be done twice, again where its connection is lost.

    The next try may find the fence held by the last one, which the server still takes
    for alive.

    Raises:
        Busy: another deployer has it.
        ConnectionFailed: the server stayed away.
    """

    def insistent() -> Result:
        try:
            return do()
        except Busy as busy:
            if str(flight.run_id) not in busy.message:
                raise
            raise ConnectionFailed(busy.message) from None

    return again(insistent)


def _attempt(
    flight: Flight, work: Work[Result], rung: Rung, number: int
) -> Committed[Result]:
    try:
        with session(
            flight.target, _purpose(flight, work), attempts=CONNECT_ATTEMPTS
        ) as conn:
            return _watched(conn, flight, work, rung, number)
    except (ConnectionRefused, FenceLost):
        raise
    except ConnectionFailed as error:
        raise _TryAgain(error.message) from None


def _watched(
    conn: Conn, flight: Flight, work: Work[Result], rung: Rung, number: int
) -> Committed[Result]:
    run = f"{flight.migration.version} {flight.run_id}"
    watcher = Watcher(flight.target, run, conn.info.backend_pid, flight.budget_ms)
    try:
        return _transact(conn, flight, work, rung, number, watcher)
    except BaseException:
        # It came to nothing, and others have waited for it all the same.
        flight.report.add_in_vain(watcher.waits, ())
        raise


@contextmanager
def _held_in_vain(transaction: FencedTransaction, flight: Flight) -> Iterator[None]:
    """Report what was held, also where it comes to nothing."""
    try:
        yield
    except BaseException:
        flight.report.add_in_vain(Waits(), transaction.held())
        raise


def _transact(
    conn: Conn,
    flight: Flight,
    work: Work[Result],
    rung: Rung,
    number: int,
    watcher: Watcher,
) -> Committed[Result]:
    try:
        transaction = FencedTransaction(conn, flight, rung, work.tables, work.key)
        with watcher, _held_in_vain(transaction, flight):
            result = work.run(transaction)
            watcher.may_cancel = False
            answer = commit(conn, flight, work.has_committed, work.key)
            total_ms, locks = transaction.elapsed_ms, transaction.held()
    except Busy as busy:
        # An attempt of this very run, whose connection was cut, may still linger.
        # Nor is anybody in the way who ended before we could ask who it was.
        if not any(own in busy.message for own in (str(flight.run_id), JUST_ENDED)):
            raise
        raise _TryAgain(busy.message) from None
    except psycopg.Error as error:
        raise _sorted(error, flight, rung, watcher.has_cancelled) from None
    return Committed(
        result=result,
        attempt=number,
        total_ms=total_ms,
        statements=transaction.statements,
        locks=locks,
        waits=watcher.waits,
        commit=answer.state,
        is_replicated=answer.is_replicated,
    )


def _sorted(
    error: psycopg.Error, flight: Flight, rung: Rung, by_watcher: bool
) -> Exception:
    """What an error before the COMMIT means for the whole transaction."""
    match cause_of(error):
        case Cause.CONTENTION if error.sqlstate == "55P03":
            return _TryAgain(f"a lock was not to be had in {rung.lock_timeout_ms} ms")
        case Cause.CONTENTION:
            return _TryAgain(str(error.diag.message_primary))
        case Cause.BUDGET if _is_cancelled(error, flight) and not by_watcher:
            return ApplyFailed(
                "Somebody cancelled pgflight's statement, and the server rolled the"
                f" transaction back ({error.diag.message_primary})",
                "Ask who, and why, before you try again.",
            )
        case Cause.BUDGET:
            return BudgetExceeded(
                f"The budget of {flight.budget_ms:,} ms was used up, and the server"
                f" rolled the transaction back ({error.diag.message_primary})",
                "Deploy when the tables are smaller or quieter, or raise budget_ms:"
                " that is how long the application may have to wait.",
            )
        case _:
            return error


def _is_cancelled(error: psycopg.Error, flight: Flight) -> bool:
    """Where transaction_timeout keeps the budget, statement_timeout is off."""
    has_transaction_timeout = flight.identity.major >= FIRST_WITH_TRANSACTION_TIMEOUT
    return error.sqlstate == "57014" and has_transaction_timeout


def _purpose(flight: Flight, work: Work[Result]) -> str:
    # The server cuts names at 63 bytes: the run's id must not be what is cut.
    return f"{work.name} {flight.run_id} {flight.migration.version}"


def _blockers(flight: Flight, work: Work[Result]) -> str:
    try:
        with reading(flight.target, "blockers") as conn:
            found = describe_blockers(conn, work.tables)
    except PgflightError:
        return ""
    return f"In the way: {'; '.join(found)}" if found else ""
