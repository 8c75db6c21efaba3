"""Sessions that threads have open beside each other, and that end together.

An interruption (Ctrl-C, Prefect's cancellation) reaches the main thread only. Nothing
else would end a statement that another thread waits for: a run that was cancelled would
wait for it as well, with its locks in the way of the run's own rollback.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock
from typing import Any

import psycopg

from flows.migration.errors import QueryFailed

CANCEL_TIMEOUT_S = 5
AGAIN_S = 0.05

_Conn = psycopg.Connection[Any]


class _Crowd:
    """Sessions that are open.

    Attributes:
        is_over: whether they are given up.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._open: set[_Conn] = set()
        self._one_at_a_time = Lock()

    def join(self, conn: _Conn) -> None:
        with self._one_at_a_time:
            if self.is_over:
                raise QueryFailed("Not asked any more: the run was interrupted")
            self._open.add(conn)

    def leave(self, conn: _Conn) -> None:
        with self._one_at_a_time:
            self._open.discard(conn)

    def give_up(self) -> None:
        """Cancel what they are at, until none is left: their locks would be in the way.

        One that is between two statements just then hears nothing of it, so it is
        told again.
        """
        deadline = time.monotonic() + CANCEL_TIMEOUT_S
        while (left := self._close()) and time.monotonic() < deadline:
            for conn in left:
                with suppress(psycopg.Error):
                    conn.cancel_safe(timeout=CANCEL_TIMEOUT_S)
            time.sleep(AGAIN_S)

    def _close(self) -> set[_Conn]:
        """Nobody may join any more; returns who is still there."""
        with self._one_at_a_time:
            self.is_over = True
            return set(self._open)


_CROWD: ContextVar[_Crowd | None] = ContextVar("pgflight_crowd", default=None)


@contextmanager
def crowd() -> Iterator[None]:
    """Sessions that threads open for this block end when it is interrupted."""
    crowd = _Crowd()
    token = _CROWD.set(crowd)
    try:
        yield
    except BaseException:
        crowd.give_up()
        raise
    finally:
        _CROWD.reset(token)


def is_given_up() -> bool:
    """Whether this thread is one of a crowd's that was interrupted."""
    crowd = _CROWD.get()
    return crowd is not None and crowd.is_over


@contextmanager
def in_crowd(conn: _Conn) -> Iterator[None]:
    """One session of a crowd's, where there is one.

    Raises:
        QueryFailed: the others are given up already.
    """
    crowd = _CROWD.get()
    if crowd is None:
        yield
        return
    crowd.join(conn)
    try:
        yield
    finally:
        crowd.leave(conn)
