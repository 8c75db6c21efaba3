"""Counting a backfill, without blaming it for what other sessions did meanwhile."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import LiteralString, cast

import psycopg
from psycopg import sql

from flows.database.connection import Conn, connect, one, set_local
from flows.database.queries import query
from flows.migration.check import BackfillCount, Check
from flows.migration.expectation import Backfill
from flows.migration.probe import Verdict
from flows.migration.target import Target

MOST_SUSPECTS = 10_000
"""More rows than other sessions could have changed while we held the lock."""

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
    count = count_backfill(conn, backfill)
    off = count.missing + count.wrong
    if off:
        excused = _count_excused(conn, backfill, before)
        count = count.model_copy(update={"excused": excused})
    verdict = Verdict.PASS if off == count.excused else Verdict.FAIL
    return _check(backfill, verdict, count)


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
    return _check(backfill, verdict, count)


def _check(backfill: Backfill, verdict: Verdict, count: BackfillCount) -> Check:
    return Check(
        kind="backfill",
        subject=f"{backfill.table}.{backfill.column}",
        verdict=verdict,
        detail=str(count),
    )


def _count_excused(conn: Conn, backfill: Backfill, before: Conn) -> int:
    suspects = conn.execute(
        _about(conn, "select_suspects", backfill), {"limit": MOST_SUSPECTS}
    ).fetchall()
    if len(suspects) == MOST_SUSPECTS:
        return 0
    row = before.execute(
        _about(conn, "count_excused", backfill),
        {
            "keys": [suspect["key"] for suspect in suspects],
            "values": [suspect["value"] for suspect in suspects],
        },
    ).fetchone()
    assert row is not None
    return int(row["excused"])


def _about(conn: Conn, name: str, backfill: Backfill) -> sql.Composed:
    table = one(conn, "resolve_table", table=backfill.table)
    # Not a literal, but the migration's own SELECT: its author may run any SQL here.
    # Doubled percent signs: the whole query has psycopg's placeholders.
    valid = cast(LiteralString, backfill.valid.replace("%", "%%"))
    return query(name).format(
        valid=sql.SQL(valid),
        table=sql.Identifier(table["schema"], table["name"]),
        key=sql.Identifier(backfill.key),
        column=sql.Identifier(backfill.column),
    )
