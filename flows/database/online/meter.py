"""How far a long step is, said now and then while it runs."""

import time

from flows.database.attempt import Say
from flows.migration.progress import Progress

SAY_EVERY_S = 1.0


class Meter:
    """Counts what is done of one step; cheap to call after every batch."""

    def __init__(self, subject: str, say: Say) -> None:
        self._subject = subject
        self._say = say
        self._started = time.monotonic()
        self._said = self._started
        self._rows = 0

    def advance(self, done: int, total: int, rows: int) -> None:
        """Note how far it is, and the rows of the last stretch."""
        self._rows += rows
        now = time.monotonic()
        if now - self._said < SAY_EVERY_S:
            return
        self._said = now
        # Nobody knows what is left to be swept: it is not over until `finish`.
        self._look(min(0.99, done / max(total, 1)))

    def finish(self) -> None:
        """Say that it is over, if anything was said of it before."""
        if self._said != self._started:
            self._look(1.0)

    def pause(self, reason: str) -> None:
        """Say that nothing is done for a while, and why."""
        self._say(f"{self._subject}: paused, {reason}")

    def _look(self, share: float) -> None:
        elapsed_s = time.monotonic() - self._started
        self._say(Progress(self._subject, share, self._rows, elapsed_s))
