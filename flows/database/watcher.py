"""The watcher: a second connection that samples who waits on us."""

import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

import psycopg

from flows.database.connection import connect, rows
from flows.migration.errors import PgflightError
from flows.migration.report import Waits
from flows.migration.target import Target

INTERVAL_S = 0.02
"""Waits are known to this much; pg_blocking_pids locks the lock table for a moment."""


class Watcher:
    """Samples from entering the block until leaving it.

    Watching is a courtesy: when the second connection fails, the migration goes on
    and the report says that nobody looked (``samples`` is 0).
    """

    def __init__(self, target: Target, run: str, pid: int) -> None:
        self._target = target
        self._purpose = f"watch {run}"
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pgflight-watcher")
        self._waits: dict[tuple[int, object], float] = {}
        self._samples = 0

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
        return Waits(
            sessions=len({pid for pid, _ in self._waits}),
            longest_ms=max(self._waits.values(), default=0.0),
            samples=self._samples,
        )

    def _watch(self) -> None:
        with (
            suppress(psycopg.Error, PgflightError),
            connect(self._target, self._purpose) as conn,
        ):
            conn.autocommit = True
            while not self._over.is_set():
                self._sample(rows(conn, "select_waiters", pid=self._pid))
                self._over.wait(INTERVAL_S)

    def _sample(self, waiters: list[dict[str, object]]) -> None:
        self._samples += 1
        for waiter in waiters:
            # A waiter is gone at the next sample when we are: count the interval.
            waited_ms = float(str(waiter["waited_ms"])) + INTERVAL_S * 1_000
            self._waits[int(str(waiter["pid"])), waiter["waitstart"]] = waited_ms
