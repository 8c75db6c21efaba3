"""The watcher: a second connection that samples who waits on us.

When an application has waited longer than the budget, it cancels our statement.
"""

import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import psycopg

from flows.database.connection import Conn, connect, one, rows
from flows.migration.errors import PgflightError
from flows.migration.report import Waits
from flows.migration.target import Target

INTERVAL_S = 0.02
"""Waits are known to this much; pg_blocking_pids locks the lock table for a moment."""
RECONNECT_S = 1.0

_APPLICATIONS = {"AccessShareLock", "RowShareLock", "RowExclusiveLock"}
"""Lock modes of reads and writes. Whoever waits for another one (VACUUM, a schema
change) waits as long as it takes: our index build is not given up for it."""


class Watcher:
    """Samples from entering the block until leaving it.

    Watching is a courtesy: when the second connection fails, the migration goes on and
    another one is tried; the report says when nobody looked at all (``samples`` is 0).

    Args:
        run: part of application_name.
        pid: the backend that is watched.
        budget_ms: how long an application may wait on it.
    """

    def __init__(self, target: Target, run: str, pid: int, budget_ms: float) -> None:
        self._target = target
        self._purpose = f"watch {run}"
        self._pid = pid
        self._budget_ms = budget_ms
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pgflight-watcher")
        self._pids: set[int] = set()
        self._longest = 0.0, ""
        self._samples = 0
        self.may_cancel = True
        """Not once COMMIT is on its way: then it must get through."""
        self.has_waiters = False
        """Whether an application waited on us when we last looked."""
        self.has_cancelled = False
        """Whether our statement was cancelled because somebody waited too long."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    @property
    def waits(self) -> Waits:
        """What was seen; complete once the block is left."""
        longest_ms, reason = self._longest
        return Waits(
            sessions=len(self._pids),
            longest_ms=longest_ms,
            longest_for=reason,
            samples=self._samples,
        )

    def _watch(self) -> None:
        while not self._over.is_set():
            with suppress(psycopg.Error, PgflightError):
                self._look()
            self.has_waiters = False
            self._over.wait(RECONNECT_S)

    def _look(self) -> None:
        with connect(self._target, self._purpose) as conn:
            conn.autocommit = True
            while not self._over.is_set():
                self._sample(conn, rows(conn, "select_waiters", pid=self._pid))
                self._over.wait(INTERVAL_S)

    def _sample(self, conn: Conn, waiters: list[dict[str, Any]]) -> None:
        self._samples += 1
        for waiter in waiters:
            # A waiter is gone at the next sample when we are: count the interval.
            waited_ms = float(waiter["waited_ms"]) + INTERVAL_S * 1_000
            self._longest = max(self._longest, (waited_ms, _what(waiter)))
            self._pids.add(waiter["pid"])
        waiting_ms = [one["waited_ms"] for one in waiters if _is_application(one)]
        self.has_waiters = bool(waiting_ms)
        if max(waiting_ms, default=0.0) > self._budget_ms and self.may_cancel:
            self.has_cancelled = True
            one(conn, "cancel_backend", pid=self._pid)


def _is_application(waiter: dict[str, Any]) -> bool:
    """Also one that waits for a row: for our transaction, then, not for a table."""
    return waiter["relation"] is None or waiter["mode"] in _APPLICATIONS


def _what(waiter: dict[str, Any]) -> str:
    relation = waiter["relation"]
    return f"{waiter['mode']} on {relation}" if relation else "a row"
