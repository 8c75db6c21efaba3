"""The one transaction that a migration or its reverse runs in.

It is fenced, bounded by the budget on the server's side, and watched by a
tripwire: after every statement it must still be the same transaction.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg.pq import TransactionStatus

from flows.database.connection import (
    CONNECTION_CHECK_MS,
    Cause,
    Conn,
    cause_of,
    in_words,
    one,
    set_local,
)
from flows.database.ledger import FENCE_KEY, take_fence
from flows.database.sessions import table_oids
from flows.migration.errors import ApplyFailed, Inconclusive, StatementFailed
from flows.migration.flight import Flight
from flows.migration.ladder import Rung
from flows.migration.locks import blocks, telling
from flows.migration.report import LockHeld, StatementTiming
from flows.migration.script import Statement

FIRST_WITH_TRANSACTION_TIMEOUT = 17
DEADLOCK_SHARE = 0.75
"""Of deadlock_timeout, from our first lock to the end of our last wait."""
SHORTEST_WAIT_MS = 100
_CHANGES_ROWS = {"insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"}


class FencedTransaction:
    """An open transaction that holds the fence.

    Args:
        tables: those whose locks are reported.

    Raises:
        Busy: another deployer holds the fence.
    """

    def __init__(
        self,
        conn: Conn,
        flight: Flight,
        rung: Rung,
        tables: Iterable[str],
        key: int = FENCE_KEY,
    ) -> None:
        self.conn = conn
        self.statements: list[StatementTiming] = []
        self._flight = flight
        self._rung = rung
        self._started = time.monotonic()
        self._locks: dict[str, dict[str, float]] = {}
        self._lock_timeout_ms = rung.lock_timeout_ms
        self._nested: list[str] = []
        conn.add_notice_handler(self._on_notice)
        self._xid = take_fence(conn, key)
        # A role's or database's default must not end what is before the clock.
        set_local(conn, "statement_timeout", 0)
        set_local(conn, "lock_timeout", rung.lock_timeout_ms)
        self._oids = table_oids(conn, tables)

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the clock was started."""
        return (time.monotonic() - self._started) * 1_000

    def start_clock(self) -> None:
        """Set the server's limits; the budget runs from here to the COMMIT."""
        set_local(self.conn, "client_connection_check_interval", CONNECTION_CHECK_MS)
        if self._has_transaction_timeout:
            # Off and on again: set in mid-transaction it runs from now.
            set_local(self.conn, "transaction_timeout", 0)
            set_local(self.conn, "transaction_timeout", self._flight.budget_ms)
        self._started = time.monotonic()

    def limit_statement(self) -> None:
        """Before PostgreSQL 17 the rest of the budget limits each statement instead."""
        if not self._has_transaction_timeout:
            rest_ms = max(1, int(self._flight.budget_ms - self.elapsed_ms))
            set_local(self.conn, "statement_timeout", rest_ms)

    def run(self, statement: Statement, text: str = "") -> int:
        """Run one statement; returns the rows that it changed.

        Args:
            text: what to run in its place; the statement itself is part of it.

        Raises:
            StatementFailed: the server refused it, and would again.
            psycopg.Error: contention, the budget, or a lost connection.
            Inconclusive: the transaction is not the one that was opened any more.
        """
        started = time.monotonic()
        try:
            with self.step(statement.where, statement.summary):
                # As it stands in the file, without parameters: % is a percent sign.
                cursor = self.conn.execute((text or statement.text).encode())
        except psycopg.Error as error:
            if cause_of(error) is not Cause.REFUSAL:
                raise
            told = describe(statement, error, text)
            raise StatementFailed(*told, error.sqlstate) from None
        rows = max(0, cursor.rowcount) if statement.kind in _CHANGES_ROWS else 0
        self.statements.append(
            StatementTiming(
                where=statement.where,
                summary=statement.summary,
                milliseconds=(time.monotonic() - started) * 1_000,
                rows=rows,
                at_ms=self._flight.report.offset_ms(started),
            )
        )
        return rows

    def fire_deferred(self) -> None:
        """Run what is deferred to the COMMIT now, while its failure costs nothing.

        Raises:
            ApplyFailed: the server would refuse the COMMIT.
            psycopg.Error: contention, the budget, or a lost connection.
        """
        self.limit_statement()
        try:
            self.conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.Error as error:
            if cause_of(error) is not Cause.REFUSAL:
                raise
            raise ApplyFailed(
                f"The COMMIT would fail: {in_words(error)}",
                error.diag.message_detail or "",
            ) from None

    @contextmanager
    def step(self, where: str, summary: str) -> Iterator[None]:
        """Something that takes locks: limited before, noted and asserted after.

        Raises:
            Inconclusive: the transaction is not the one that was opened any more.
        """
        self.limit_statement()
        self._limit_waits()
        started = time.monotonic()
        yield
        self._check_tripwire(where, summary, started)

    def held(self) -> list[LockHeld]:
        """The locks on the migration's tables, if they are given back now."""
        now = time.monotonic()
        return [
            LockHeld(
                table=table,
                mode=mode,
                blocks=blocks(mode),
                held_ms=(now - since) * 1_000,
                at_ms=self._flight.report.offset_ms(since),
            )
            for table, modes in sorted(self._locks.items())
            for mode, since in telling(modes).items()
        ]

    @property
    def _has_transaction_timeout(self) -> bool:
        return self._flight.identity.major >= FIRST_WITH_TRANSACTION_TIMEOUT

    def _limit_waits(self) -> None:
        """Who waits on us and has what we wait for must not be the one that dies of it.

        The server ends whoever of a deadlock has waited for deadlock_timeout first; by
        then we have given up, and try again.
        """
        if not self._locks:
            return
        first = min(at for modes in self._locks.values() for at in modes.values())
        held_ms = (time.monotonic() - first) * 1_000
        share_ms = self._flight.identity.deadlock_timeout_ms * DEADLOCK_SHARE
        wanted_ms = max(SHORTEST_WAIT_MS, int(share_ms - held_ms))
        if wanted_ms < self._lock_timeout_ms:
            set_local(self.conn, "lock_timeout", wanted_ms)
            self._lock_timeout_ms = wanted_ms

    def _check_tripwire(self, where: str, summary: str, started: float) -> None:
        xid = None
        if self.conn.info.transaction_status is TransactionStatus.INTRANS:
            row = one(self.conn, "select_transaction", tables=self._oids)
            xid = row["xid"]
            self._note_locks(row["locks"], started)
        if xid != self._xid or self._nested:
            raise Inconclusive(
                f"{where}: the statement ended pgflight's transaction: what"
                " ran before it may be committed, what comes after it was not run",
                f"Compare the database with the file, and remove: {summary}",
            )

    def _note_locks(self, locks: Sequence[Sequence[str]], started: float) -> None:
        for table, name in locks:
            # Each mode from its own beginning: a weaker one before it blocks less.
            self._locks.setdefault(table, {}).setdefault(_as_sql_writes(name), started)

    def _on_notice(self, notice: psycopg.errors.Diagnostic) -> None:
        # 25001: BEGIN inside a transaction; 25P01: COMMIT outside of one.
        if notice.sqlstate in ("25001", "25P01"):
            self._nested.append(str(notice.message_primary))


def describe(
    statement: Statement, error: psycopg.Error, text: str = ""
) -> tuple[str, str]:
    """Message and help for a statement that the server refused.

    Args:
        text: what was run in its place.
    """
    diagnosis = error.diag
    where = statement.where
    if diagnosis.statement_position:
        before = text.index(statement.text) if text else 0
        where = statement.where_at(int(diagnosis.statement_position) - before)
    message = f"{where}: {in_words(error)}"
    notes = (diagnosis.message_detail, diagnosis.message_hint, statement.text)
    return message, "\n".join(note for note in notes if note)


def _as_sql_writes(mode: str) -> str:
    """pg_locks says AccessExclusiveLock; SQL says ACCESS EXCLUSIVE."""
    name = mode.removesuffix("Lock")
    return "".join(f" {c}" if c.isupper() else c for c in name).strip().upper()
