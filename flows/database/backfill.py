"""Counting a backfill, without blaming it for what other sessions did meanwhile."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
from psycopg import sql

from flows.database.connection import (
    Cause,
    Conn,
    cause_of,
    connect,
    rows,
    set_local,
)
from flows.database.queries import query
from flows.migration.check import BackfillCount, Check
from flows.migration.errors import QueryFailed
from flows.migration.expectation import Backfill
from flows.migration.probe import Verdict
from flows.migration.target import Target

MOST_SUSPECTS = 10_000
"""More rows than other sessions could have changed while we held the lock."""

SNAPSHOT_LOCK_TIMEOUT_MS = 500
"""The migration itself may have locked what the snapshot is asked about."""

DRIFT_SHARE = 0.05
"""Share of rows that may be off after the COMMIT before a person is asked."""


@contextmanager
def snapshot_before(target: Target, purpose: str, limit_ms: int) -> Iterator[Conn]:
    """A connection that goes on seeing the database as it was before the migration.

    It reads nothing until it is asked, so it holds no lock; it holds back VACUUM's
    horizon for the length of the block.
    """
    # Not a session(): that would take the migration's own errors for its own.
    with closing(connect(target, purpose)) as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        set_local(conn, "idle_in_transaction_session_timeout", limit_ms)
        set_local(conn, "lock_timeout", SNAPSHOT_LOCK_TIMEOUT_MS)
        yield conn


def count_backfill(conn: Conn, backfill: Backfill) -> BackfillCount:
    """The backfill in numbers, as this connection sees it."""
    row = conn.execute(_about(conn, "count_backfill", backfill), {}).fetchone()
    assert row is not None
    return BackfillCount(**row)


def check_backfill(conn: Conn, backfill: Backfill, before: Conn) -> Check:
    """The check inside the migration's transaction: every row counts.

    A user who joined or left an organisation while the transaction ran is excused:
    the suspects are looked up in the snapshot from before.
    """
    try:
        with conn.transaction():
            count = count_backfill(conn, backfill)
    except psycopg.Error as error:
        if cause_of(error) is not Cause.REFUSAL:
            raise
        detail = f"cannot be counted: {error.diag.message_primary}"
        return _check(backfill, Verdict.FAIL, detail)
    off = count.missing + count.wrong
    if off:
        excused = _count_excused(conn, backfill, before)
        count = count.model_copy(update={"excused": excused})
    verdict = Verdict.PASS if off == count.excused else Verdict.FAIL
    return _check(backfill, verdict, str(count))


def recheck_backfill(conn: Conn, backfill: Backfill) -> Check:
    """The check after the COMMIT, when the application goes on writing.

    The transaction has proved its rows already, so what is off now was changed by
    somebody else since. That is never a failure; when it is more than traffic
    explains, it is for a person to judge.
    """
    count = count_backfill(conn, backfill)
    off = count.missing + count.wrong
    count = count.model_copy(update={"excused": off})
    is_drift = off > max(1, DRIFT_SHARE * count.expected)
    verdict = Verdict.INCONCLUSIVE if is_drift else Verdict.PASS
    return _check(backfill, verdict, str(count))


def _check(backfill: Backfill, verdict: Verdict, detail: str) -> Check:
    return Check(
        kind="backfill",
        subject=f"{backfill.table}.{backfill.column}",
        verdict=verdict,
        detail=detail,
    )


def _count_excused(conn: Conn, backfill: Backfill, before: Conn) -> int:
    suspects = conn.execute(
        _about(conn, "select_suspects", backfill), {"limit": MOST_SUSPECTS}
    ).fetchall()
    if len(suspects) == MOST_SUSPECTS:
        return 0
    parameters = {
        "keys": [suspect["key"] for suspect in suspects],
        "values": [suspect["value"] for suspect in suspects],
    }
    asked = _about(conn, "count_excused", backfill)
    try:
        row = before.execute(asked, parameters).fetchone()
    except psycopg.errors.LockNotAvailable:
        return 0
    assert row is not None
    return int(row["excused"])


def _about(conn: Conn, name: str, backfill: Backfill) -> sql.Composed:
    tables = rows(conn, "resolve_table", table=backfill.table)
    if not tables:
        raise QueryFailed(
            f"The backfill names table {backfill.table}: it does not exist",
            "Correct backfill.table in migration.toml.",
        )
    # Not a literal, but the migration's own SELECT: its author may run any SQL here.
    # Doubled percent signs: the whole query has psycopg's placeholders.
    valid = backfill.valid.replace("%", "%%")
    return query(name).format(
        valid=sql.SQL(valid),
        table=sql.Identifier(tables[0]["schema"], tables[0]["name"]),
        key=sql.Identifier(backfill.key),
        column=sql.Identifier(backfill.column),
    )
