"""Filling rows in batches that are too short to be noticed."""

import random
import time
from dataclasses import dataclass

import psycopg

from flows.database.connection import Cause, Conn, cause_of, one, set_local
from flows.database.online.crew import Crew, Watched
from flows.database.online.meter import Meter
from flows.database.online.pressure import Pressure
from flows.migration.errors import ApplyFailed, LocksNotObtained
from flows.migration.locks import blocks
from flows.migration.online.steps import OnlineStep
from flows.migration.report import LockHeld

BATCH_MS = 50
"""An application that wants a row waits at most about this long for our lock on it."""
FIRST_PAGES = 32
MOST_PAGES = 16_384
LOCK_TIMEOUT_MS = 200
"""Below deadlock_timeout: in a deadlock with the application it is we who give up,
before the server looks for a victim."""
MOST_FAILURES = 60
"""Tries of one batch, with pauses of up to 1 s: about a minute."""
MOST_SWEEPS = 50


@dataclass
class BatchSize:
    """How many pages the next batch takes, so that it lasts about BATCH_MS."""

    pages: int = FIRST_PAGES

    def adapt(self, took_ms: float) -> None:
        """Learn from one batch, by a factor of 2 at most: it may be an outlier."""
        wanted = self.pages * BATCH_MS / max(took_ms, 1.0)
        bounded = min(max(wanted, self.pages / 2), self.pages * 2)
        self.pages = min(MOST_PAGES, max(1, round(bounded)))


class Backfill:
    """One template over one table: a backfill step's, or one that clears orphans.

    Args:
        template: an UPDATE with the placeholders %(low)s and %(high)s.
    """

    def __init__(self, crew: Crew, step: OnlineStep, template: str) -> None:
        self._crew = crew
        self._step = step
        self._template = template.encode()
        self._size = BatchSize()
        self._meter = Meter(step.summary, crew.say)
        self._longest_ms = 0.0

    def run(self, watched: Watched, first_block: int, remaining: str) -> None:
        """Fill every row.

        A table grows meanwhile, by new versions of the rows that we and others write.
        So after the first pass the table is asked whether a row is left, and swept
        again until none is.

        Raises:
            LocksNotObtained: rows stayed locked.
            ApplyFailed: something empties the column as fast as it is filled.
        """
        self._pass(watched, first_block)
        self.sweep(watched, remaining)
        self._note_lock()

    def sweep(self, watched: Watched, remaining: str) -> None:
        """Pass again for as long as a row is left.

        Raises: as `run`.
        """
        sweeps = 0
        while self._is_row_left(watched.conn, remaining):
            sweeps += 1
            if sweeps > MOST_SWEEPS:
                raise ApplyFailed(
                    f"{self._step.where}: after {MOST_SWEEPS} sweeps there were still"
                    " rows to fill: something empties them again, a trigger perhaps",
                    "Stop it, and run again.",
                )
            self._pass(watched, 0)
        self._meter.finish()

    def _pass(self, watched: Watched, low: int) -> None:
        conn, pressure = watched.conn, Pressure(watched, self._meter)
        end = self._blocks(conn)
        while low < end:
            self._crew.fence.assert_held()
            pressure.give_way()
            high = min(low + self._size.pages, end)
            started = time.monotonic()
            filled = self._batch(conn, low, high)
            took_ms = (time.monotonic() - started) * 1_000
            self._size.adapt(took_ms)
            self._longest_ms = max(self._longest_ms, took_ms)
            low = high
            self._meter.advance(low, end, filled)

    def _batch(self, conn: Conn, low: int, high: int) -> int:
        """One batch and its entry in the journal, in one transaction."""
        for failure in range(MOST_FAILURES):
            try:
                return self._try_batch(conn, low, high)
            except psycopg.Error as error:
                # The budget: the watcher cancelled it, because somebody waited.
                if cause_of(error) not in (Cause.CONTENTION, Cause.BUDGET):
                    raise
                conn.rollback()
                time.sleep(random.uniform(0.5, 1.5) * min(0.02 * 2**failure, 1.0))
        raise LocksNotObtained(
            f"{self._step.where}: rows in blocks {low:,} to {high:,} of"
            f" {self._step.table} stayed locked",
            "Run again when the transactions that hold them are over.",
        )

    def _try_batch(self, conn: Conn, low: int, high: int) -> int:
        set_local(conn, "lock_timeout", LOCK_TIMEOUT_MS)
        # What a crash of the server loses of this, the next run does again: the
        # journal's entry is lost with it.
        conn.execute("SET LOCAL synchronous_commit = off")
        cursor = conn.execute(
            self._template, {"low": f"({low},0)", "high": f"({high},0)"}
        )
        filled = max(0, cursor.rowcount)
        self._crew.journal.advance(conn, self._step, high, filled)
        conn.commit()
        return filled

    def _blocks(self, conn: Conn) -> int:
        table = one(conn, "resolve_table", table=self._step.table)
        found = one(conn, "select_blocks", oid=table["oid"])
        conn.commit()
        return int(found["blocks"])

    def _is_row_left(self, conn: Conn, remaining: str) -> bool:
        row = conn.execute(remaining.encode()).fetchone()
        conn.commit()
        return bool(row and next(iter(row.values())))

    def _note_lock(self) -> None:
        mode = "ROW EXCLUSIVE"
        self._crew.felt.add_lock(
            LockHeld(
                table=str(self._step.table),
                mode=mode,
                blocks=blocks(mode),
                held_ms=self._longest_ms,
            )
        )


def run_backfill(crew: Crew, step: OnlineStep) -> None:
    """Run a backfill step from where it is in the journal."""
    assert step.remaining is not None
    with crew.session(step) as watched:
        conn = watched.conn
        entry = crew.journal.entry(conn, step)
        conn.commit()
        first_block = entry.next_block if entry else 0
        backfill = Backfill(crew, step, step.statements[0])
        backfill.run(watched, first_block, step.remaining)
        crew.journal.end(conn, step)
        conn.commit()


def sweep_again(crew: Crew, step: OnlineStep) -> None:
    """Fill what has come to lack a value since the step was done.

    A row whose value named something that was deleted before the foreign key was
    there, for example, and a row that was inserted since. Where a later step has
    dropped what the backfill reads, there is nothing to be swept.
    """
    assert step.remaining is not None
    with crew.session(step) as watched:
        try:
            Backfill(crew, step, step.statements[0]).sweep(watched, step.remaining)
        except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable):
            watched.conn.rollback()
