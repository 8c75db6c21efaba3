"""The claim: one run at a time works on a database, from its first write to its end.

The fence belongs to single transactions and answers what became of a COMMIT. Between
them (verification, smoke test) it is free, so the claim is what keeps a second run, or
a recovery, from going on with what is not unfinished at all. It is held by an idle
connection, so it is free as soon as its holder is dead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import psycopg

from flows.database.connection import Conn
from flows.database.holding import hold
from flows.migration.target import Target

CLAIM_KEY = int.from_bytes(b"pgclaim", "big")
"""Advisory lock; advisory locks are per database."""


class Claim:
    """This process's claim, once it is taken."""

    def __init__(self) -> None:
        self._conn: Conn | None = None
        self._pid = 0
        self._place: tuple[Target, str] | None = None

    def take(self, target: Target, purpose: str) -> None:
        """Take it, or make sure that it is still held.

        Args:
            purpose: run and migration, for application_name.

        Raises:
            Busy: another run is at work; the message says which and since when.
            ConnectionFailed: the server was not reached.
        """
        if self._place is None:
            self._place = target, f"claim {purpose}"
        self.renew()

    def renew(self) -> None:
        """Take it again where its connection was lost, as by a restart of the server.

        Raises: what `take` does.
        """
        assert self._place
        if self._is_held():
            return
        target, purpose = self._place
        self._conn = hold(target, purpose, CLAIM_KEY, lost_pid=self._pid)
        self._pid = self._conn.info.backend_pid

    def release(self) -> None:
        """Give it back."""
        if self._conn:
            self._conn.close()

    def _is_held(self) -> bool:
        try:
            return self._conn is not None and bool(self._conn.execute("SELECT"))
        except psycopg.Error:
            return False


_CLAIM: ContextVar[Claim] = ContextVar("pgflight_claim")


@contextmanager
def claiming() -> Iterator[bool]:
    """What is claimed in this block is given back at its end.

    A flow inside of another (the rollback of a failed deployment) works under the
    claim of the outer one.

    Yields:
        Whether this is the outer one.
    """
    if _CLAIM.get(None):
        yield False
        return
    claim = Claim()
    token = _CLAIM.set(claim)
    try:
        yield True
    finally:
        _CLAIM.reset(token)
        claim.release()


def current_claim() -> Claim:
    """The claim of the block that this is called in."""
    return _CLAIM.get()
