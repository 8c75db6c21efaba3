"""The report of a run: what happened, what users felt, what is left to do."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import BaseModel, Field, PrivateAttr

from flows.migration.check import Check
from flows.migration.commit_state import CommitState
from flows.migration.errors import Busy, PgflightError
from flows.migration.finding import Finding, Level
from flows.migration.outcome import Outcome
from flows.migration.probe import ProbeResult, Verdict
from flows.migration.redaction import mask
from flows.migration.strategy import Strategy

_TOLD_AS_IT_IS = (Outcome.ROLLED_BACK, Outcome.NEEDS_DECISION, Outcome.UNKNOWN)
"""Outcomes of a rollback that are the deployment's own."""

CANCELLED = "It was cancelled, or its process was told to stop"
"""The reason of a run that was interrupted, by whatever signal."""


class StatementTiming(BaseModel):
    """One statement of up.sql or down.sql, or one online step, as it ran.

    Attributes:
        at_ms: when it began, from the start of the run.
    """

    where: str
    summary: str
    milliseconds: float
    rows: int
    at_ms: float = 0.0


class LockHeld(BaseModel):
    """One lock on one table, from the statement that asked for it until the COMMIT.

    The time that it queued is part of it: who wants the table meanwhile queues behind.

    Attributes:
        at_ms: when that statement began, from the start of the run.
    """

    table: str
    mode: str
    blocks: str
    held_ms: float
    at_ms: float = 0.0


class Waits(BaseModel):
    """Who waited on us, as sampled from a second connection.

    Attributes:
        sessions: sessions that were seen waiting.
        longest_ms: longest wait; exact to one sampling interval.
        longest_for: what that one waited for, e.g. a lock mode on a table.
        samples: how often we looked; 0 means that nobody could look.
    """

    sessions: int = 0
    longest_ms: float = 0.0
    longest_for: str = ""
    samples: int = 0

    def __add__(self, other: "Waits") -> "Waits":
        """Both together, as if seen by one watcher."""
        longest = max(self, other, key=lambda waits: waits.longest_ms)
        return Waits(
            sessions=self.sessions + other.sessions,
            longest_ms=longest.longest_ms,
            longest_for=longest.longest_for,
            samples=self.samples + other.samples,
        )


class Conflict(BaseModel):
    """Saved data that could not be put back, and stays in the ledger.

    Attributes:
        first_keys: of the first few rows. (Not `keys`: what has such an attribute is
            taken for a mapping.)
    """

    reason: str
    rows: int
    first_keys: list[str]

    def __str__(self) -> str:
        first = f" (the first: {'; '.join(self.first_keys)})" if self.first_keys else ""
        return f"{self.rows:,} rows: {self.reason}{first}"


class Restored(BaseModel):
    """Data that a rollback had saved, and that was put back."""

    table: str
    column: str | None
    rows: int
    conflicts: list[Conflict] = []

    @property
    def name(self) -> str:
        """The table's, or the column's."""
        return f"{self.table}.{self.column}" if self.column else self.table

    @property
    def left(self) -> list[str]:
        """A line for each reason why rows are still only in the ledger."""
        return [str(conflict) for conflict in self.conflicts]


class Applied(BaseModel):
    """What was committed: in one transaction, or online in the steps of one run.

    Attributes:
        attempt: which rung of the lock-timeout ladder had the locks.
        total_ms: from the first statement to the last COMMIT's acknowledgement.
        locks: of several of one mode on one table the one that was held longest.
        commit: of the last transaction: ACKED or RECONCILED_COMMITTED.
        is_replicated: False when a standby was to confirm it, and none did in time.
        restored: what an earlier rollback had saved; the report has it too.
    """

    strategy: Strategy = "transactional"
    attempt: int = 1
    total_ms: float
    rows: int
    statements: list[StatementTiming]
    locks: list[LockHeld]
    waits: Waits
    checks: list[Check]
    commit: CommitState = CommitState.ACKED
    is_replicated: bool = True
    restored: list[Restored] = Field(default=[], exclude=True)


class Saved(BaseModel):
    """Data that a rollback saved in the ledger before it was deleted."""

    table: str
    column: str | None
    rows: int


class Phase(BaseModel):
    """One step of the run with its duration.

    Attributes:
        at_ms: when it began, from the start of the run.
    """

    name: str
    seconds: float
    at_ms: float = 0.0


class Report(BaseModel):
    """One run's story, filled in as the run goes.

    Attributes:
        action: deploy, rollback, restore, verify or recover.
        version: empty where it is of all that is found: recover, and verify all.
        target: role, host and database, without secrets.
        target_name: as whoever chose it calls it; empty for the environment's own.
        commit: where the COMMIT of the last transaction stands.
        waits_in_vain: who waited for attempts that came to nothing.
        locks_in_vain: what these attempts held, as in `Applied`.
        recovered: what a recovery has gone on with.
        verified: what became of each migration, where all of them were verified.
        approval: who approved or declined it and when; empty where nobody was asked.
        is_busy: whether another run was found at work.
        errors: first error first; a failed rollback never hides it.
    """

    action: str
    version: str
    title: str = ""
    run_id: str
    target: str = ""
    target_name: str = ""
    outcome: Outcome | None = None
    started_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None
    budget_ms: int = 0
    findings: list[Finding] = []
    baseline: list[ProbeResult] = []
    applied: Applied | None = None
    commit: CommitState = CommitState.NOT_SENT
    waits_in_vain: Waits = Waits()
    locks_in_vain: list[LockHeld] = []
    checks: list[Check] = []
    probes: list[ProbeResult] = []
    saved: list[Saved] = []
    restored: list[Restored] = []
    rollback: "Report | None" = None
    recovered: list["Report"] = []
    verified: list["Report"] = []
    approval: str = ""
    is_busy: bool = False
    errors: list[str] = []
    phases: list[Phase] = []
    _began: float = PrivateAttr(default_factory=time.monotonic)

    @property
    def failed_checks(self) -> list[Check]:
        return [check for check in self.checks if check.verdict is not Verdict.PASS]

    @property
    def blocking(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level is Level.BLOCK]

    @property
    def parts(self) -> list["Report"]:
        """One of each migration, where the run was of several."""
        return self.recovered + self.verified

    @property
    def is_success(self) -> bool:
        """Whether what was asked for was done: a rollback asks for ROLLED_BACK."""
        wanted = self.action == "rollback" and self.outcome is Outcome.ROLLED_BACK
        return wanted or (self.outcome is not None and self.outcome.is_success)

    @property
    def exit_code(self) -> int:
        """0 for success; otherwise the outcome's own."""
        assert self.outcome is not None
        return 0 if self.is_success else self.outcome.exit_code

    @property
    def summary(self) -> str:
        """One line: what was to be done to what, and what became of it."""
        return f"{self.action} {self.version}".rstrip() + f": {self.outcome}"

    def add_error(self, error: BaseException) -> None:
        """Keep an error beside those that came before it."""
        self.is_busy = self.is_busy or isinstance(error, Busy)
        text = reason_of(error)
        if text not in self.errors:
            self.errors.append(text)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time one step, however it ends."""
        started = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - started
            at_ms = self.offset_ms(started)
            self.phases.append(Phase(name=name, seconds=seconds, at_ms=at_ms))

    def offset_ms(self, moment: float) -> float:
        """Milliseconds from the start of the run to a moment of `time.monotonic`."""
        return max(0.0, moment - self._began) * 1_000

    def add_in_vain(self, waits: Waits, locks: Iterable[LockHeld]) -> None:
        """Keep what others felt of an attempt that came to nothing."""
        self.waits_in_vain += waits
        self.locks_in_vain = longest_held([*self.locks_in_vain, *locks])

    def conclude(self, outcome: Outcome) -> "Report":
        """Close the report; returns itself."""
        self.outcome = outcome
        self.ended_at = datetime.now(UTC)
        return self

    def conclude_all(self, waiting: Sequence[str] = ()) -> "Report":
        """Close a run of several migrations with the worst that it came to.

        Args:
            waiting: versions that wait for a person.
        """
        outcomes = [part.outcome for part in self.parts if part.outcome]
        if waiting:
            outcomes.append(Outcome.NEEDS_DECISION)
        nothing = Outcome.NOTHING_TO_DO
        return self.conclude(max(outcomes, key=_gravity, default=nothing))

    def take_back(self, rollback: "Report") -> "Report":
        """Close the report with what became of the rollback."""
        self.rollback = rollback
        if rollback.outcome in _TOLD_AS_IT_IS:
            return self.conclude(rollback.outcome)
        return self.conclude(Outcome.ROLLBACK_FAILED)


def longest_held(locks: Iterable[LockHeld]) -> list[LockHeld]:
    """Of several locks of one mode on one table the one that was held longest."""
    longest: dict[tuple[str, str], LockHeld] = {}
    for lock in locks:
        known = longest.get((lock.table, lock.mode), lock)
        longest[lock.table, lock.mode] = max(known, lock, key=lambda one: one.held_ms)
    return list(longest.values())


def reason_of(error: BaseException) -> str:
    """An error, or the signal that ended a run, as a sentence without secrets."""
    if isinstance(error, PgflightError):
        return mask(str(error))
    # A signal is nothing that went wrong.
    is_signal = not isinstance(error, Exception)
    return CANCELLED if is_signal else mask(f"{type(error).__name__}: {error}")


def _gravity(outcome: Outcome) -> tuple[int, bool]:
    return outcome.exit_code, outcome is Outcome.DEPLOYED
