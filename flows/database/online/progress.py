"""Progress of a long step: how far, how fast, how long still."""

import time
from collections.abc import Callable

SAY_EVERY_S = 2.0


class Progress:
    """Says a line now and then; cheap to call after every batch."""

    def __init__(self, subject: str, say: Callable[[str], None]) -> None:
        self._subject = subject
        self._say = say
        self._started = time.monotonic()
        self._said = self._started
        self._looked = 0.0
        self._rows = 0

    def advance(self, done: int, total: int, rows: int) -> None:
        """Note a part of the way, and the rows of the last stretch."""
        self._rows += rows
        now = time.monotonic()
        if now - self._said < SAY_EVERY_S:
            return
        self._said = now
        elapsed = now - self._started
        share = min(1.0, done / max(total, 1))
        left_s = elapsed / max(share, 1e-9) - elapsed
        self._say(
            f"{self._subject}: {share:.0%}, {self._rows:,} rows,"
            f" {self._rows / elapsed:,.0f} rows/s, about {left_s:,.0f} s left"
        )

    def pause(self, reason: str) -> None:
        """Say that nothing is done for a while, and why."""
        self._said = time.monotonic()
        self._say(f"{self._subject}: paused, {reason}")

    def is_time_to_look(self, every_s: float) -> bool:
        """Whether that long has passed since the last time it was."""
        now = time.monotonic()
        if now - self._looked < every_s:
            return False
        self._looked = now
        return True
