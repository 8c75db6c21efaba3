"""What every step of an online deployment works with."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from flows.database.attempt import Committed, Say
from flows.database.connection import CONNECT_ATTEMPTS, Conn, session
from flows.database.online.fence import HeldFence
from flows.database.online.journal import Entry, Journal
from flows.database.watcher import Watcher
from flows.migration.flight import Flight
from flows.migration.online.steps import OnlineStep
from flows.migration.report import (
    LockHeld,
    Restored,
    Saved,
    StatementTiming,
    Waits,
    longest_held,
)


@dataclass
class Felt:
    """What the application felt of all steps together, and what was saved of it."""

    statements: list[StatementTiming] = field(default_factory=list)
    locks: list[LockHeld] = field(default_factory=list)
    waits: Waits = field(default_factory=Waits)
    restored: list[Restored] = field(default_factory=list)
    saved: list[Saved] = field(default_factory=list)
    _one_at_a_time: Lock = field(default_factory=Lock, repr=False)

    def add(self, committed: Committed[None]) -> None:
        """Add a brief step; of the same lock on the same table the longest counts."""
        self.add_locks(committed.locks)
        self.add_waits(committed.waits)

    def add_waits(self, waits: Waits) -> None:
        """Add what one watcher saw; several workers' are through at the same time."""
        with self._one_at_a_time:
            self.waits += waits

    def add_locks(self, locks: Iterable[LockHeld]) -> None:
        self.locks = longest_held([*self.locks, *locks])


@dataclass(frozen=True)
class Watched:
    """A connection for one long step, and who watches it."""

    conn: Conn
    watcher: Watcher


@dataclass(frozen=True)
class Crew:
    """The flight, its fence and journal, and a place for what is seen.

    Attributes:
        found: names of things that were there before the step that makes them.
    """

    flight: Flight
    fence: HeldFence
    journal: Journal
    say: Say
    felt: Felt = field(default_factory=Felt)
    found: set[str] = field(default_factory=set)

    def note(self, step: OnlineStep, entry: Entry) -> None:
        """Learn from the journal what of a step was there before it."""
        self.found.update(
            made.name for made in step.makes if made.undo not in entry.undo
        )

    def is_ours(self, step: OnlineStep) -> bool:
        """Whether all that the step takes for the migration's own is that."""
        return self.found.isdisjoint(step.owns)

    @contextmanager
    def session(self, step: OnlineStep) -> Iterator[Watched]:
        """A connection for one long step, watched for who waits on it."""
        flight = self.flight
        purpose = f"step-{step.number} {flight.run_id} {flight.migration.version}"
        with session(flight.target, purpose, attempts=CONNECT_ATTEMPTS) as conn:
            run = f"{flight.migration.version} {flight.run_id}"
            pid = conn.info.backend_pid
            watcher = Watcher(flight.target, run, pid, flight.budget_ms)
            try:
                with watcher:
                    yield Watched(conn, watcher)
            finally:
                self.felt.add_waits(watcher.waits)
