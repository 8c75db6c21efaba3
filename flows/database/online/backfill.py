"""Filling rows in batches that are too short to be noticed."""

import random
import time
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import Any

import psycopg
from psycopg import sql

from flows.database.connection import (
    CONNECTION_CHECK_MS,
    IDLE_LIMIT_MS,
    Cause,
    Conn,
    cause_of,
    in_words,
    one,
    reading,
    set_local,
)
from flows.database.crowd import crowd, is_given_up
from flows.database.online.crew import Crew
from flows.database.online.ground import BatchSize, Ground
from flows.database.online.meter import Meter
from flows.database.online.pressure import Pressure
from flows.database.online.sparing import sparing
from flows.migration.errors import ApplyFailed, LocksNotObtained, StatementFailed
from flows.migration.locks import blocks
from flows.migration.online.steps import OnlineStep
from flows.migration.report import LockHeld

LOCK_TIMEOUT_MS = 30
"""Of a batch, for one row: meanwhile others wait for the rows that it has. Two workers
can be in a deadlock over a row that moved from the one to the other."""
SHARE = 0.75
"""Of deadlock_timeout, for a whole batch with all its waits. The server looks for a
deadlock when somebody has waited that long, and ends that transaction: who waits for
a row of a batch must have it by then, or the application is the victim."""
MOST_FAILURES = 60
"""Tries of one batch, with pauses of up to 1 s: about a minute."""
MOST_CHOICES = 5
"""Tries of one batch whose values a foreign key refuses."""
MOST_SWEEPS = 50
MOST_REFILLS = 3
"""Times that rows which we have filled may be left."""
FEW = 500
"""Rows left that are filled one by one; of more, the whole table is passed again."""
NO_KEY = "()"
"""What the key of a row is where there is no primary key."""
MANY = 20_000
"""Rows left whose keys are remembered; of more, those that come meanwhile count too."""


class _GoneSince(StatementFailed):
    """What the backfill reads is not there any more."""


class TooLong(Exception):
    """A batch was ended by its time limit, and can be divided."""


class Backfill:
    """One template over one table: a backfill step's, or one that clears orphans.

    Args:
        template: an UPDATE with the placeholders %(low)s and %(high)s.
        over: the table whose ranges these are; the step's own when left out.
    """

    def __init__(
        self, crew: Crew, step: OnlineStep, template: str, over: str | None = None
    ) -> None:
        self._crew = crew
        self._step = step
        self._over = over or step.table
        self._template = template.encode()
        self._meter = Meter(step.summary, crew.say)
        self._longest = 0.0, 0.0
        """The longest batch in milliseconds, and when it began."""
        self._ours: set[str] = set()
        """Our transactions, since rows that we had filled were left the last time."""
        self._refilled = 0

    def settle(self, left: str) -> None:
        """Fill the rows that are left, until all that were left at one time are filled.

        A table grows meanwhile, by new versions of the rows that we and others write,
        and these may have been missed by a pass. That none is left at all is never
        true of a table where new rows keep coming: so those that came while the
        others were filled are let be. They are told apart by the primary key; in a
        table without one, whoever is left counts.

        Args:
            left: a SELECT of their ctid and xmin.

        Raises:
            LocksNotObtained: rows stayed locked.
            ApplyFailed: something empties the column as fast as it is filled.
        """
        due: set[str] | None = None
        for _ in range(MOST_SWEEPS):
            refilled = self._refilled
            found = self._look(left)
            if self._refilled > refilled:
                # Of what we have filled nobody knows which it is.
                due = None
            if len(found) > MANY:
                self.run_through(0)
                due = None
                continue
            if due is not None:
                found = [(tid, key) for tid, key in found if key in due]
            if not found:
                self._meter.finish()
                return
            if len(found) > FEW:
                self.run_through(0)
                due = {key for _, key in found}
            else:
                missed = self._fill_each(found)
                # A row may have moved, and another one have been filled in its place:
                # only the next look tells.
                due = {key for _, key in found if key != NO_KEY} | missed
        raise self._not_settled()

    def sweep(self, remaining: str) -> None:
        """Pass again for as long as a row is left; no new one may be coming.

        Raises: as `settle`.
        """
        sweeps = 0
        while self._is_row_left(remaining):
            sweeps += 1
            if sweeps > MOST_SWEEPS:
                raise self._not_settled()
            self.run_through(0)
        self._meter.finish()

    def run_once(self) -> None:
        """Pass the whole table once, and that is all.

        Raises: as `settle`.
        """
        self.run_through(0)
        self._meter.finish()

    def run_through(self, low: int) -> None:
        """Fill the rows from a block on; some that move meanwhile are missed.

        Raises: as `settle`.
        """
        self._pass(low)
        self._note_lock()

    def _look(self, left: str) -> list[tuple[str, str]]:
        """Tids and keys of rows left. Rows of two partitions may have the same tid.

        Raises:
            ApplyFailed: there is one among them that we have filled, time after time.
                Once may be because what its value comes from was changed.
        """
        with self._crew.session(self._step) as watched:
            conn = watched.conn
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            # Cut off, it would keep an index build waiting for its snapshot.
            set_local(conn, "idle_in_transaction_session_timeout", IDLE_LIMIT_MS)
            some = sql.SQL("{} LIMIT {}").format(sql.SQL(left), MANY + 1)
            found = self._ask(conn, some).fetchall()
            if any(str(row["xmin"]) in self._ours for row in found):
                self._refilled += 1
                if self._refilled > MOST_REFILLS:
                    raise self._not_settled()
                self._ours.clear()
            return self._keys(conn, {str(row["ctid"]) for row in found})

    def _keys(self, conn: Conn, tids: set[str]) -> list[tuple[str, str]]:
        table = one(conn, "resolve_table", table=self._step.table)
        columns = one(conn, "select_key_columns", oid=table["oid"])["columns"]
        # As up.sql writes the name, quotes included; no parameters beside it, because
        # names may have percent signs.
        statement = sql.SQL(
            "SELECT ctid, ROW({})::text FROM {} WHERE ctid = ANY({}::tid[])"
        ).format(
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(str(self._step.table)),
            sql.Literal(list(tids)),
        )
        rows = conn.execute(statement).fetchall()
        return [(str(row["ctid"]), str(row["row"])) for row in rows]

    def _fill_each(self, found: list[tuple[str, str]]) -> set[str]:
        """Fill rows; returns the keys of those that somebody else changed first."""
        keys: dict[str, set[str]] = {}
        for tid, key in found:
            keys.setdefault(tid, set()).add(key)
        missed = set()
        with self._crew.session(self._step) as watched:
            pressure = Pressure(watched, self._meter)
            for tid, of_tid in keys.items():
                self._crew.fence.assert_held()
                pressure.give_way()
                block, offset = map(int, tid.strip("()").split(","))
                limits = f"({block},{offset})", f"({block},{offset + 1})"
                if self._insist(watched.conn, limits, 0) < len(of_tid):
                    missed |= of_tid
        return missed

    def _not_settled(self) -> ApplyFailed:
        return ApplyFailed(
            f"{self._step.where}: there are still rows to fill after they were filled:"
            " something empties them again, a trigger perhaps",
            "Stop it, and run again.",
        )

    def _pass(self, low: int) -> None:
        """Hand the table out to the workers; this thread is one of them."""
        ground = Ground(low, self._blocks())
        others: list[Thread] = []
        errors: list[BaseException] = []
        try:
            # An interruption reaches this thread only. The crowd ends what the others
            # are at, which may be a row that somebody has locked for long.
            with crowd():
                self._share(ground, others, errors)
        finally:
            for other in others:
                other.join()
        if errors:
            raise errors[0]

    def _share(
        self, ground: Ground, others: list[Thread], errors: list[BaseException]
    ) -> None:
        try:
            for _ in range(self._crew.flight.workers - 1):
                other = Thread(
                    target=copy_context().run,
                    args=(self._help, ground, errors),
                    name="pgflight-backfill",
                )
                other.start()
                others.append(other)
            self._work(ground)
            # Without an error they go on: what one of them puts back is still to be
            # done.
            for other in others:
                other.join()
        except BaseException:
            ground.close()
            raise

    def _help(self, ground: Ground, errors: list[BaseException]) -> None:
        try:
            self._work(ground)
        except Exception as error:
            ground.close()
            errors.append(error)

    def _work(self, ground: Ground) -> None:
        """Take range after range until none is left."""
        size = BatchSize()
        with self._crew.session(self._step) as watched:
            pressure = Pressure(watched, self._meter, ground.is_closed)
            while taken := ground.take(size.pages):
                self._crew.fence.assert_held()
                pressure.give_way()
                started = time.monotonic()
                try:
                    filled = self._batch(watched.conn, ground, *taken)
                except TooLong:
                    size.shrink(taken[1] - taken[0])
                    ground.put_back(*taken)
                    continue
                took_ms = (time.monotonic() - started) * 1_000
                size.adapt(took_ms)
                self._longest = max(self._longest, (took_ms, started))
                ground.give_back(taken[0])
                self._meter.advance(taken[1], ground.end, filled)

    def _batch(self, conn: Conn, ground: Ground, low: int, high: int) -> int:
        """One batch of whole blocks.

        Raises:
            TooLong: nothing is done; smaller ones are to be tried.
        """
        limits = f"({low},0)", f"({high},0)"
        is_divisible = high - low > 1
        return self._insist(conn, limits, ground.done_without(low), is_divisible)

    def _insist(
        self,
        conn: Conn,
        limits: tuple[str, str],
        done: int,
        is_divisible: bool = False,
    ) -> int:
        """One batch and its entry in the journal, in one transaction, until it is done.

        Args:
            limits: tids, the first included and the second not.
            done: the block up to which all is done then.
        """
        choices = 0
        for failure in range(MOST_FAILURES):
            try:
                return self._try(conn, limits, done, is_divisible)
            except psycopg.Error as error:
                choices += _is_outdated(error)
                if cause_of(error) is Cause.REFUSAL and not (
                    _is_outdated(error) and choices <= MOST_CHOICES
                ):
                    return self._refused(conn, limits, is_divisible, error)
                if cause_of(error) is Cause.CONNECTION or is_given_up():
                    raise
                conn.rollback()
                # Its time limit; or the watcher, because somebody waited too long.
                if cause_of(error) is Cause.BUDGET and is_divisible:
                    raise TooLong from None
                time.sleep(random.uniform(0.5, 1.5) * min(0.02 * 2**failure, 1.0))
        raise LocksNotObtained(
            f"{self._step.where}: rows {limits[0]} to {limits[1]} of"
            f" {self._step.table} stayed locked",
            "Run again when the transactions that hold them are over.",
        )

    def _refused(
        self,
        conn: Conn,
        limits: tuple[str, str],
        is_divisible: bool,
        error: psycopg.Error,
    ) -> int:
        """What to do when the server would say the same the next time."""
        kind = _GoneSince if _is_gone(error) else StatementFailed
        raise kind(*self._said(error)) from None

    def _prepare(self, conn: Conn) -> None:
        """What the template needs in its transaction."""

    def _try(
        self, conn: Conn, limits: tuple[str, str], done: int, is_divisible: bool
    ) -> int:
        limit_ms = int(self._crew.flight.identity.deadlock_timeout_ms * SHARE)
        # One page takes as long as it takes.
        set_local(conn, "statement_timeout", limit_ms if is_divisible else 0)
        set_local(conn, "lock_timeout", min(LOCK_TIMEOUT_MS, limit_ms))
        # A client that hangs, or is gone, gives its rows back.
        set_local(conn, "idle_in_transaction_session_timeout", IDLE_LIMIT_MS)
        set_local(conn, "client_connection_check_interval", CONNECTION_CHECK_MS)
        # What a crash of the server loses of this, the next run does again: the
        # journal's entry is lost with it.
        conn.execute("SET LOCAL synchronous_commit = off")
        self._prepare(conn)
        xid = one(conn, "select_own_xid")["xid"]
        low, high = limits
        cursor = conn.execute(self._template, {"low": low, "high": high})
        filled = max(0, cursor.rowcount)
        self._crew.journal.advance(conn, self._step, done, filled)
        conn.commit()
        self._ours.add(xid)
        return filled

    def _blocks(self) -> int:
        with reading(self._crew.flight.target, "blocks") as conn:
            table = one(conn, "resolve_table", table=self._over)
            return int(one(conn, "select_blocks", oid=table["oid"])["blocks"])

    def _is_row_left(self, remaining: str) -> bool:
        with self._crew.session(self._step) as watched:
            name = "idle_in_transaction_session_timeout"
            set_local(watched.conn, name, IDLE_LIMIT_MS)
            row = self._ask(watched.conn, sql.SQL(remaining)).fetchone()
        return bool(row and next(iter(row.values())))

    def _ask(
        self, conn: Conn, query: sql.SQL | sql.Composed
    ) -> psycopg.Cursor[dict[str, Any]]:
        # It reads the whole table, which may take longer than the role may otherwise.
        set_local(conn, "statement_timeout", 0)
        try:
            return conn.execute(query)
        except psycopg.Error as error:
            if not _is_gone(error):
                raise
            raise _GoneSince(*self._said(error)) from None

    def _said(self, error: psycopg.Error) -> tuple[str, str, str | None]:
        where, said = self._step.where, error.diag
        message = f"{where}: {in_words(error)}"
        return message, said.message_detail or self._step.summary, error.sqlstate

    def _note_lock(self) -> None:
        mode = "ROW EXCLUSIVE"
        took_ms, started = self._longest
        held = LockHeld(
            table=str(self._step.table),
            mode=mode,
            blocks=blocks(mode),
            held_ms=took_ms,
            at_ms=self._crew.flight.report.offset_ms(started),
        )
        self._crew.felt.add_locks([held])


def _is_outdated(error: psycopg.Error) -> bool:
    """Whether what a value refers to may have been deleted since it was chosen.

    A batch that waits for a row chooses by a snapshot from before the wait; the
    foreign key, where there is one already, looks afterwards.
    """
    return isinstance(error, psycopg.errors.ForeignKeyViolation)


def _is_gone(error: psycopg.Error) -> bool:
    """Whether a column or table that the statement names is not there."""
    gone = (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable)
    return isinstance(error, gone)


def run_backfill(crew: Crew, step: OnlineStep) -> None:
    """Run a backfill step from where it is in the journal."""
    with crew.journal.session() as conn:
        entry = crew.journal.entry(conn, step)
        step = sparing(conn, crew.journal.run_id, step)
    assert step.left is not None
    first_block = entry.next_block if entry else 0
    rows = Backfill(crew, step, step.statements[0])
    rows.run_through(first_block)
    rows.settle(step.left)
    with crew.journal.session() as conn:
        crew.journal.end(conn, step)
        conn.commit()


def sweep_again(crew: Crew, step: OnlineStep) -> None:
    """Fill what has come to lack a value since the step was done.

    A row whose value named something that was deleted before the foreign key was
    there, for example, and a row that was inserted since. Where a later step has
    dropped what the backfill reads, there is nothing to be swept.
    """
    with crew.journal.session() as conn:
        step = sparing(conn, crew.journal.run_id, step)
    assert step.left is not None
    with suppress(_GoneSince):
        Backfill(crew, step, step.statements[0]).settle(step.left)
