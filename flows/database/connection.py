"""Connections, and the one place where psycopg's errors become ours."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from typing import Any, TypeVar

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row

from flows.database.crowd import CANCEL_TIMEOUT_S, in_crowd
from flows.database.queries import query
from flows.migration.errors import (
    ConnectionFailed,
    ConnectionRefused,
    PgflightError,
    QueryFailed,
)
from flows.migration.redaction import hide
from flows.migration.target import Target

Conn = Connection[dict[str, Any]]
Result = TypeVar("Result")

CONNECT_TIMEOUT_S = 5
CONNECT_ATTEMPTS = 5
"""With pauses of 0.5, 1, 2 and 4 s: a restart of the server is survived."""
READ_TIMEOUT_MS = 30_000
READ_LOCK_TIMEOUT_MS = 2_000
CONNECTION_CHECK_MS = 500
"""A client that died is noticed in mid-statement after this (PostgreSQL 14+)."""
IDLE_LIMIT_MS = 3_000
"""A client that hangs (SIGSTOP, a cut network) gives the locks back after this."""

# libpq reports no SQLSTATE for a connection that was refused; these are the
# server's own words for what asking again will not change.
_FINAL_REFUSALS = (
    "password authentication failed",
    "authentication failed for user",
    "does not exist",
    "no pg_hba.conf entry",
    "is not permitted to log in",
    "no password supplied",
    "permission denied for database",
    "server does not support SSL",
)


class Cause(Enum):
    """What an error of the server's means for the statement that got it."""

    CONNECTION = auto()
    """The connection is gone; a new one may do better."""
    CONTENTION = auto()
    """Somebody else was in the way; the same transaction may succeed later."""
    BUDGET = auto()
    """A time limit ended the statement or the transaction."""
    REFUSAL = auto()
    """The server will say the same the next time."""


_CONNECTION_STATES = {"57P01", "57P02", "57P03", "53300"}
_CONTENTION_STATES = {"55P03", "40P01", "40001"}
_BUDGET_STATES = {"25P03", "25P04", "57014"}


def cause_of(error: psycopg.Error) -> Cause:
    """Sort an error by its SQLSTATE (PostgreSQL's documentation, appendix A).

    Two states mean contention only in part: two sessions that create the same
    object collide with a unique violation in the system catalogue (23505), and
    two that replace the same function with "tuple concurrently updated" (XX000).
    """
    state = error.sqlstate
    if state is None:
        is_lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return Cause.CONNECTION if is_lost else Cause.REFUSAL
    if state in _CONNECTION_STATES or state.startswith("08"):
        return Cause.CONNECTION
    if state in _CONTENTION_STATES:
        return Cause.CONTENTION
    if state in _BUDGET_STATES:
        return Cause.BUDGET
    if state == "23505" and error.diag.schema_name == "pg_catalog":
        return Cause.CONTENTION
    if state == "XX000" and "concurrently updated" in str(error):
        return Cause.CONTENTION
    return Cause.REFUSAL


def in_words(error: psycopg.Error) -> str:
    """What the server has refused, as every message of ours says it."""
    return f"{error.diag.message_primary} (SQLSTATE {error.sqlstate})"


def translate(error: psycopg.Error) -> PgflightError:
    """The error in our tree."""
    text = str(error).strip()
    if cause_of(error) is Cause.CONNECTION:
        return ConnectionFailed(f"Lost the connection to the database: {text}")
    where = error.sqlstate or "no SQLSTATE"
    return QueryFailed(f"The database refused a question ({where}): {text}")


def connect(target: Target, purpose: str, *, attempts: int = 1) -> Conn:
    """Open one connection.

    Args:
        purpose: shown as application_name, so that a DBA sees who it is.
        attempts: how often to try while the failure may pass, see `again`.

    Raises:
        ConnectionRefused: the server's answer will not change.
        ConnectionFailed: not reached after all attempts.
    """
    return again(lambda: _open(target, purpose), attempts)


def again(do: Callable[[], Result], attempts: int = CONNECT_ATTEMPTS) -> Result:
    """Do something that may be done twice, once more each time a connection is lost.

    The pauses double from 0.5 s and are jittered.

    Raises:
        ConnectionRefused: at once.
        ConnectionFailed: after all attempts.
    """
    for attempt in range(1, attempts):
        try:
            return do()
        except ConnectionRefused:
            raise
        except ConnectionFailed:
            time.sleep(0.25 * 2**attempt * random.uniform(0.75, 1.25))
    return do()


def _open(target: Target, purpose: str) -> Conn:
    try:
        conn = Connection.connect(
            target.database_url.get_secret_value(),
            row_factory=dict_row,
            client_encoding="UTF8",
            # Server-side prepared statements do not survive a pooler.
            prepare_threshold=None,
            application_name=f"pgflight {purpose}"[:63],
            connect_timeout=CONNECT_TIMEOUT_S,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=10_000,
        )
        try:
            # libpq may have found it elsewhere: a service file, .pgpass, PGPASSWORD.
            hide([conn.info.password])
            # Whatever the role's own default is: a fence that kept its first snapshot
            # would be waited for by CREATE INDEX CONCURRENTLY, for ever.
            conn.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            _assert_direct(conn)
        except BaseException:
            conn.close()
            raise
        return conn
    except (psycopg.Error, UnicodeError) as error:
        raise _not_opened(error, target) from None


def _not_opened(error: psycopg.Error | UnicodeError, target: Target) -> PgflightError:
    text = str(error).strip()
    if isinstance(error, psycopg.ProgrammingError | UnicodeError):
        # libpq could not even read the string; its message may quote it.
        return ConnectionRefused(
            f"{target.source} is not a PostgreSQL connection string",
            "Expected postgresql://user:password@host:5432/database, with special"
            " characters in the password percent-encoded.",
        )
    if any(words in text for words in _FINAL_REFUSALS):
        return ConnectionRefused(
            f"The database refused the connection: {text}",
            f"Check user, password and database name in {target.source}.",
        )
    return ConnectionFailed(
        f"Cannot reach the database: {text}",
        "Check that it runs and that this machine may reach it.",
    )


def _assert_direct(conn: Conn) -> None:
    """A pooler tells a process number of its own invention.

    Asked in no transaction: PgBouncer allows none in statement mode.

    Raises:
        ConnectionRefused: another process answers than the one that was connected to.
    """
    conn.autocommit = True
    row = conn.execute(query("select_backend_pid")).fetchone()
    conn.autocommit = False
    if row and row["pid"] != conn.info.backend_pid:
        raise ConnectionRefused(
            "The connection goes through a pooler, such as PgBouncer: process"
            f" {row['pid']} answers, not {conn.info.backend_pid}, which was connected"
            " to. Settings, locks and cancellations can end up in the application's"
            " sessions there; whether the pooler is in session mode cannot be seen",
            "Point DATABASE_URL at PostgreSQL itself: its own host and port (5432"
            " rather than 6432, most often). The application may keep its pooler.",
        )


@contextmanager
def session(target: Target, purpose: str, *, attempts: int = 1) -> Iterator[Conn]:
    """A connection for the length of a block, closed whatever happens.

    A block that ends by anything but an ordinary error (Ctrl-C, Prefect's
    cancellation) has its statement cancelled on the server first: a client that
    merely goes away leaves the statement running with its locks.

    Raises:
        ConnectionFailed, QueryFailed: for psycopg errors that the block let through.
    """
    conn = connect(target, purpose, attempts=attempts)
    try:
        with in_crowd(conn):
            yield conn
        # Closed by a COMMIT whose answer was lost: that was settled in the block.
        if not conn.closed:
            conn.rollback()
    except psycopg.Error as error:
        _roll_back(conn)
        raise translate(error) from None
    except Exception:
        _roll_back(conn)
        raise
    except BaseException:
        with suppress(psycopg.Error):
            conn.cancel_safe(timeout=CANCEL_TIMEOUT_S)
        _roll_back(conn)
        raise
    finally:
        conn.close()


def _roll_back(conn: Conn) -> None:
    """Give locks and fence back before the block is left, not some time after."""
    with suppress(psycopg.Error):
        conn.rollback()


@contextmanager
def reading(target: Target, purpose: str, *, attempts: int = 1) -> Iterator[Conn]:
    """A transaction that waits for nothing for long and is always rolled back."""
    with session(target, purpose, attempts=attempts) as conn:
        set_local(conn, "statement_timeout", READ_TIMEOUT_MS)
        set_local(conn, "lock_timeout", READ_LOCK_TIMEOUT_MS)
        # Of a machine that is gone without a word not even a reading is left.
        set_local(conn, "idle_in_transaction_session_timeout", READ_TIMEOUT_MS)
        set_local(conn, "client_connection_check_interval", CONNECTION_CHECK_MS)
        yield conn


def set_local(conn: Conn, name: str, milliseconds: int) -> None:
    """Set one time limit until the transaction ends."""
    conn.execute(query("set_local"), {"name": name, "value": str(milliseconds)})


def commit_locally(conn: Conn) -> None:
    """Commit what we note for ourselves, waiting for no standby.

    Such a COMMIT must not hang: what comes after it in the write-ahead log, and was
    confirmed, carries it along.
    """
    conn.execute(query("commit_locally"))
    conn.commit()


def one(conn: Conn, name: str, /, **parameters: object) -> dict[str, Any]:
    """The single row of a named query."""
    row = _ask(conn, name, parameters).fetchone()
    if row is None:
        raise LookupError(f"query {name!r} returned no row")
    return row


def rows(conn: Conn, name: str, /, **parameters: object) -> list[dict[str, Any]]:
    """All rows of a named query."""
    return _ask(conn, name, parameters).fetchall()


def _ask(
    conn: Conn, name: str, parameters: dict[str, object]
) -> psycopg.Cursor[dict[str, Any]]:
    # Binary: a time in text has the role's DateStyle, and psycopg reads ISO only.
    return conn.execute(query(name), parameters, binary=True)
