"""Building and dropping indexes while everybody goes on working."""

import threading
from contextlib import suppress

import psycopg
from psycopg import sql

from flows.database.connection import (
    CONNECTION_CHECK_MS,
    Cause,
    Conn,
    cause_of,
    connect,
    in_words,
    rows,
)
from flows.database.online.crew import Crew
from flows.database.online.meter import SAY_EVERY_S, Meter
from flows.migration.errors import ApplyFailed, LocksNotObtained, PgflightError
from flows.migration.online.steps import OnlineStep
from flows.migration.target import Target

ATTEMPTS = 5


def run_index(crew: Crew, step: OnlineStep) -> None:
    """CREATE or DROP INDEX CONCURRENTLY, the wreck of an earlier try removed first.

    It waits for older transactions and nobody waits for it, so it has no time limit;
    but it ends when this process does.

    Raises:
        ApplyFailed: the index could not be built: duplicate keys, for example.
        LocksNotObtained: deadlocks with other sessions, time after time.
    """
    with crew.session(step) as watched:
        conn = watched.conn
        _go_alone(conn)
        for _ in range(ATTEMPTS):
            crew.fence.assert_held()
            drop_invalid(conn, step.index)
            if _try(conn, crew, step):
                crew.journal.end(conn, step)
                return
    raise LocksNotObtained(
        f"{step.where}: {ATTEMPTS} attempts ended in a deadlock or a lock timeout",
        "Run again when the table is less busy.",
    )


def undo_index(crew: Crew, step: OnlineStep, undo: tuple[str, ...]) -> None:
    """Take an index step back, as slowly and as quietly."""
    with crew.session(step) as watched:
        conn = watched.conn
        _go_alone(conn)
        crew.fence.assert_held()
        for text in undo:
            conn.execute(text.encode())
        crew.journal.end(conn, step, "undone")


def drop_invalid(conn: Conn, index: str | None) -> None:
    """Drop what an interrupted build left; IF NOT EXISTS would take it for good."""
    for found in rows(conn, "select_invalid_index", index=index):
        name = sql.Identifier(found["schema"], found["name"])
        conn.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(name))


def _go_alone(conn: Conn) -> None:
    """Statements of their own, outside of any transaction."""
    conn.autocommit = True
    conn.execute(
        "SELECT pg_catalog.set_config('client_connection_check_interval', %s, false)",
        [str(CONNECTION_CHECK_MS)],
    )
    # Its own commits must not hang where a standby is away.
    conn.execute("SELECT set_config('synchronous_commit', 'local', false)")
    for name in ("lock_timeout", "statement_timeout"):
        conn.execute("SELECT pg_catalog.set_config(%s, '0', false)", [name])


def _try(conn: Conn, crew: Crew, step: OnlineStep) -> bool:
    meter = Meter(step.summary, crew.say)
    try:
        with _Reporter(crew.flight.target, conn.info.backend_pid, meter):
            conn.execute(step.statements[0].encode())
    except psycopg.Error as error:
        if conn.broken:
            raise
        drop_invalid(conn, step.index)
        # The budget: the watcher cancelled it, because somebody waited.
        if cause_of(error) in (Cause.CONTENTION, Cause.BUDGET):
            return False
        raise ApplyFailed(
            f"{step.where}: {in_words(error)}",
            error.diag.message_detail or step.statements[0],
        ) from None
    if rows(conn, "select_invalid_index", index=step.index):
        raise ApplyFailed(f"{step.where}: index {step.index} was built INVALID")
    return True


class _Reporter:
    """Says how far the build of another connection is, until the block is left."""

    def __init__(self, target: Target, pid: int, meter: Meter) -> None:
        self._target, self._pid, self._meter = target, pid, meter
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._report, name="pgflight-progress")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._meter.finish()

    def _report(self) -> None:
        # Most builds are over before anybody asks.
        if self._over.wait(SAY_EVERY_S):
            return
        with (
            suppress(psycopg.Error, PgflightError),
            connect(self._target, "index progress") as conn,
        ):
            conn.autocommit = True
            while not self._over.wait(SAY_EVERY_S):
                for row in rows(conn, "select_index_progress", pid=self._pid):
                    self._meter.advance(row["blocks_done"], row["blocks_total"], 0)
