"""An advisory lock that a connection of its own holds, for as long as it is open."""

import psycopg

from flows.database.connection import (
    Conn,
    again,
    connect,
    one,
    rows,
    set_local,
    translate,
)
from flows.database.ledger import busy
from flows.database.transaction import FIRST_WITH_TRANSACTION_TIMEOUT
from flows.migration.target import Target

KEEPALIVES = {
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
}
"""On the server's side: seconds, and how many probes may be lost. It is over before
the last resume of a run that was cut off."""


def hold(target: Target, purpose: str, key: int, lost_pid: int = 0) -> Conn:
    """Take the lock; returns the connection that holds it until it is closed.

    The lock belongs to an open transaction, because only such a lock survives a pooler
    and dies with its holder. That transaction has neither a transaction id nor, between
    statements, a snapshot: it keeps VACUUM from nothing.

    Args:
        lost_pid: of the session that held it for the same purpose until its connection
            was lost: cut off without a word, it would hold the lock for another 11 s.

    Raises:
        Busy: somebody else has it.
        ConnectionFailed: the server stayed away.
    """
    return again(lambda: _hold(target, purpose, key, lost_pid))


def _hold(target: Target, purpose: str, key: int, lost_pid: int) -> Conn:
    conn = connect(target, purpose)
    try:
        if lost_pid:
            rows(conn, "end_lost_session", pid=lost_pid)
        _take(conn, key)
    except psycopg.Error as error:
        conn.close()
        raise translate(error) from None
    except BaseException:
        conn.close()
        raise
    return conn


def _take(conn: Conn, key: int) -> None:
    if not one(conn, "hold_fence", key=key)["held"]:
        raise busy(conn, key)
    set_local(conn, "idle_in_transaction_session_timeout", 0)
    if conn.info.server_version // 10_000 >= FIRST_WITH_TRANSACTION_TIMEOUT:
        set_local(conn, "transaction_timeout", 0)
    # A machine that is gone without a word: by default the server would keep the
    # lock for it for two hours.
    for name, value in KEEPALIVES.items():
        set_local(conn, name, value)
    # A statement with parameters leaves its snapshot behind until the next one comes;
    # this one has none.
    conn.execute("SELECT")
