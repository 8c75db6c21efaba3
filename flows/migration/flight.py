"""A flight: one migration on its way to one target."""

from dataclasses import dataclass
from uuid import UUID

from flows.migration.estimate import Outlook
from flows.migration.folder import Migration
from flows.migration.report import Report
from flows.migration.strategy import Choice
from flows.migration.target import Target


@dataclass(frozen=True)
class Identity:
    """Which server and database a connection leads to.

    Attributes:
        system_identifier: made by initdb; a copy of the server has the same.
        timeline: eight hexadecimal digits; another one after each failover.
    """

    version_num: int
    database: str
    system_identifier: str
    timeline: str | None
    role: str
    deadlock_timeout_ms: int

    @property
    def full_name(self) -> str:
        """As PGFLIGHT_EXPECTED_DATABASE takes it."""
        return f"{self.database}@{self.system_identifier}"

    @property
    def major(self) -> int:
        return self.version_num // 10_000


@dataclass(frozen=True)
class Flight:
    """What every step needs to know, decided by preflight.

    Attributes:
        run_id: names this run in the ledger, in application_name and in Prefect.
        found_as: the run that had the migration in place, or half in place, when
            preflight looked; None if there was none.
        found_state: that run's state in the ledger.
        condemned: why that run is being rolled back, where that is unfinished.
        choice: how it is to be applied, and why so.
        outlook: what the estimates are made from, if that could be read.
        workers: backends that fill rows at the same time, online.
        report: the flight's recorder, filled in by the steps as they go.
    """

    run_id: UUID
    migration: Migration
    target: Target
    identity: Identity
    budget_ms: int
    found_as: UUID | None
    found_state: str | None
    condemned: str | None
    choice: Choice
    outlook: Outlook | None
    workers: int
    report: Report

    @property
    def is_accepted(self) -> bool:
        """Nothing is to be done any more."""
        return self.found_state == "accepted" and self.condemned is None

    @property
    def is_applied(self) -> bool:
        """Committed as a whole by an earlier run, accepted or not."""
        return self.found_state not in (None, "applying")

    @property
    def in_place_as(self) -> UUID:
        """The run whose ledger row says that the migration is in place."""
        return self.found_as or self.run_id
