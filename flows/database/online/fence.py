"""The fence for a whole online deployment, held by a connection of its own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from flows.database.connection import Conn
from flows.database.holding import hold
from flows.database.ledger import FENCE_KEY
from flows.migration.errors import FenceLost
from flows.migration.flight import Flight


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

    Raises:
        Busy: another deployer has it.
        ConnectionFailed: the server stayed away.
    """
    # The server cuts names at 63 bytes: the run's id must not be what is cut.
    purpose = f"fence {flight.run_id} {flight.migration.version}"
    with closing(hold(flight.target, purpose, FENCE_KEY)) as conn:
        yield HeldFence(conn)
