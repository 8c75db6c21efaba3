"""Giving way: a backfill pauses while it would hurt others."""

import time
from collections.abc import Callable

import psycopg

from flows.database.connection import IDLE_LIMIT_MS, one, set_local
from flows.database.online.crew import Watched
from flows.database.online.meter import Meter

LOOK_EVERY_S = 1.0
LAG_S = 1.5
"""Replay lag of the slowest standby (gh-ost's default for the same purpose)."""
UNARCHIVED = 42
"""WAL segments waiting for their archive (GitLab's limit for background migrations)."""
LONGEST_PAUSE_S = 600.0
"""Then it goes on all the same: a broken standby must not hold it up for ever."""
BREATH_S = 0.05
"""For an application that waited for a row of the last batch: as long as a batch."""


class Pressure:
    """What a backfill gives way to: waiting sessions, standbys, the archive of WAL.

    Args:
        is_over: whether another worker has ended it, so that nobody is to wait.
    """

    def __init__(
        self,
        watched: Watched,
        meter: Meter,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._watched = watched
        self._meter = meter
        self._is_over = is_over
        self._looked = 0.0
        self._paused_s = 0.0

    def give_way(self) -> None:
        """Return when there is nothing to wait for, or it was waited long enough."""
        if self._watched.watcher.has_waiters:
            time.sleep(BREATH_S)
        if time.monotonic() - self._looked < LOOK_EVERY_S:
            return
        reason = self._reason()
        while reason and self._paused_s < LONGEST_PAUSE_S and not self._is_over():
            self._meter.pause(reason)
            time.sleep(LOOK_EVERY_S)
            self._paused_s += LOOK_EVERY_S
            reason = self._reason()
        self._looked = time.monotonic()

    def _reason(self) -> str:
        conn = self._watched.conn
        set_local(conn, "idle_in_transaction_session_timeout", IDLE_LIMIT_MS)
        found = one(conn, "select_pressure")
        unarchived = 0
        # To be seen by pg_monitor only; whoever may not does without.
        try:
            unarchived = one(conn, "count_unarchived")["segments"]
        except psycopg.errors.InsufficientPrivilege:
            conn.rollback()
        conn.commit()
        if found["lag_s"] > LAG_S:
            return f"a standby is {found['lag_s']:.1f} s behind"
        if unarchived > UNARCHIVED:
            return f"{unarchived} WAL segments wait for their archive"
        return ""
