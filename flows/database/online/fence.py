"""The fence for a whole online deployment, held by a connection of its own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from flows.database.connection import (
    CONNECT_ATTEMPTS,
    Conn,
    connect,
    one,
    set_local,
    translate,
)
from flows.database.ledger import FENCE_KEY, busy
from flows.database.transaction import FIRST_WITH_TRANSACTION_TIMEOUT
from flows.migration.errors import FenceLost
from flows.migration.flight import Flight

KEEPALIVES = {
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
}
"""On the server's side: seconds, and how many probes may be lost. It is over before
the last resume of a run that was cut off."""


class HeldFence:
    """Proof that this process is the only deployer in the database."""

    def __init__(self, conn: Conn) -> None:
        self._conn = conn

    def assert_held(self) -> None:
        """The transaction that holds the fence must still be open.

        Raises:
            FenceLost: its connection is gone, and with it the fence.
        """
        try:
            self._conn.execute("SELECT")
        except psycopg.Error as error:
            raise FenceLost(
                f"The connection that holds the fence was lost: {error}",
                "Run again: the deployment goes on from where it was.",
            ) from None


@contextmanager
def held_fence(flight: Flight) -> Iterator[HeldFence]:
    """Hold the fence for the length of the block.

    The lock belongs to an open transaction, because only such a lock survives a pooler
    and dies with its holder. That transaction has neither a transaction id nor, between
    statements, a snapshot.

    Raises:
        Busy: another deployer has it.
    """
    # The server cuts names at 63 bytes: the run's id must not be what is cut.
    purpose = f"fence {flight.run_id} {flight.migration.version}"
    with closing(connect(flight.target, purpose, attempts=CONNECT_ATTEMPTS)) as conn:
        try:
            _take(conn, flight)
        except psycopg.Error as error:
            raise translate(error, flight.target) from None
        yield HeldFence(conn)


def _take(conn: Conn, flight: Flight) -> None:
    if not one(conn, "hold_fence", key=FENCE_KEY)["held"]:
        raise busy(conn)
    set_local(conn, "idle_in_transaction_session_timeout", 0)
    if flight.identity.major >= FIRST_WITH_TRANSACTION_TIMEOUT:
        set_local(conn, "transaction_timeout", 0)
    # A machine that is gone without a word: by default the server would keep the
    # fence for it for two hours.
    for name, value in KEEPALIVES.items():
        set_local(conn, name, value)
