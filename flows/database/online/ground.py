"""Which blocks of a table are still to be done, shared by those who work on it."""

from dataclasses import dataclass
from threading import Lock

BATCH_MS = 40
"""An application that wants a row waits at most about this long for our lock on it."""
FIRST_PAGES = 32
MOST_PAGES = 16_384


@dataclass
class BatchSize:
    """How many pages the next batch takes, so that it lasts about BATCH_MS."""

    pages: int = FIRST_PAGES

    def adapt(self, took_ms: float) -> None:
        """Learn from one batch, by a factor of 2 at most: it may be an outlier."""
        wanted = self.pages * BATCH_MS / max(took_ms, 1.0)
        bounded = min(max(wanted, self.pages / 2), self.pages * 2)
        self.pages = min(MOST_PAGES, max(1, round(bounded)))

    def shrink(self, pages: int) -> None:
        """Take no more than half of what took too long."""
        self.pages = max(1, pages // 2)


class Ground:
    """The blocks from one to another, handed out range by range.

    Attributes:
        end: the block behind the last one.
    """

    def __init__(self, low: int, end: int) -> None:
        self.end = end
        self._next = low
        self._taken: set[int] = set()
        self._returned: list[tuple[int, int]] = []
        self._is_closed = False
        self._lock = Lock()

    def take(self, pages: int) -> tuple[int, int] | None:
        """The next range, low included and high not; None when all are taken."""
        with self._lock:
            if self._is_closed:
                return None
            if self._returned:
                low, end = self._returned.pop()
                if low + pages < end:
                    self._returned.append((low + pages, end))
            elif self._next < self.end:
                low = self._next
                end = self._next = min(low + pages, self.end)
            else:
                return None
            self._taken.add(low)
            return low, min(low + pages, end)

    def done_without(self, low: int) -> int:
        """The block up to which all is done, once the range that begins here is."""
        with self._lock:
            returned = {low for low, _ in self._returned}
            return min(self._taken - {low} | returned, default=self._next)

    def give_back(self, low: int) -> None:
        """Note that a range is done."""
        with self._lock:
            self._taken.discard(low)

    def put_back(self, low: int, high: int) -> None:
        """Note that a range is not done, and hand it out again in smaller ones."""
        with self._lock:
            self._taken.discard(low)
            self._returned.append((low, high))

    def is_closed(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        """Hand out no more."""
        with self._lock:
            self._is_closed = True
