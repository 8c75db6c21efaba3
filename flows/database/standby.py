"""A COMMIT that hangs because no synchronous standby confirms it.

It is done on the primary, with its record on disk, but its locks stay, and no timeout
of the server's ends that wait (measured: neither statement_timeout nor
transaction_timeout). A cancel does: the server then answers the COMMIT with a warning
that it may not have been replicated.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import psycopg

from flows.database.connection import Conn, connect, rows
from flows.migration.errors import PgflightError
from flows.migration.flight import Flight

MOST_PATIENCE_MS = 10_000
INTERVAL_S = 0.1
_WAITS_FOR_STANDBY = "SyncRepWaitForLSN"
"""The server's function, in all versions; it warns of nothing else."""


class Confirmation:
    """Whether a standby has confirmed a COMMIT, where one was to."""

    def __init__(self) -> None:
        self.is_missing = False

    def on_notice(self, notice: psycopg.errors.Diagnostic) -> None:
        """Told by where it comes from: a trigger that is deferred to the COMMIT may
        warn with the same SQLSTATE, and the text is translated."""
        if notice.source_function == _WAITS_FOR_STANDBY:
            self.is_missing = True


def patience_ms(flight: Flight) -> int:
    """How long a standby may keep the application waiting through us."""
    return min(flight.budget_ms, MOST_PATIENCE_MS)


@contextmanager
def confirmation(conn: Conn, flight: Flight) -> Iterator[Confirmation]:
    """To commit in: the wait for a standby is ended when the budget is used up."""
    seen, over = Confirmation(), threading.Event()
    conn.add_notice_handler(seen.on_notice)
    thread = threading.Thread(
        target=_watch,
        args=(flight, conn.info.backend_pid, over),
        name="pgflight-commit",
    )
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
        conn.remove_notice_handler(seen.on_notice)


def end_wait(conn: Conn, pid: int, run_id: UUID) -> bool:
    """End the wait of one of our own backends; True if it was waiting for a standby."""
    return bool(rows(conn, "end_standby_wait", pid=pid, run=f"%{run_id}%"))


def _watch(flight: Flight, pid: int, over: threading.Event) -> None:
    if over.wait(patience_ms(flight) / 1_000):
        return
    purpose = f"commit {flight.run_id} {flight.migration.version}"
    # A courtesy: what became of the COMMIT is found out otherwise, too.
    with (
        suppress(PgflightError, psycopg.Error),
        connect(flight.target, purpose) as conn,
    ):
        conn.autocommit = True
        while not over.wait(INTERVAL_S):
            end_wait(conn, pid, flight.run_id)
