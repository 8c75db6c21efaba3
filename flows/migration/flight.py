"""A flight: one migration on its way to one target."""

from dataclasses import dataclass
from uuid import UUID

from flows.migration.folder import Migration
from flows.migration.report import Report
from flows.migration.target import Target


@dataclass(frozen=True)
class Identity:
    """Which server and database a connection leads to.

    Attributes:
        system_identifier: made by initdb; a copy of the server has the same.
    """

    version_num: int
    database: str
    system_identifier: str
    role: str
    deadlock_timeout_ms: int

    @property
    def major(self) -> int:
        return self.version_num // 10_000


@dataclass(frozen=True)
class Flight:
    """What every step needs to know, decided by preflight.

    Attributes:
        run_id: names this run in the ledger, in application_name and in Prefect.
        found_as: the run that had the migration in place when preflight looked, or
            None.
        is_accepted: whether that run was accepted; then there is nothing to do.
        report: the flight's recorder, filled in by the steps as they go.
    """

    run_id: UUID
    migration: Migration
    target: Target
    identity: Identity
    budget_ms: int
    found_as: UUID | None
    is_accepted: bool
    report: Report

    @property
    def in_place_as(self) -> UUID:
        """The run whose ledger row says that the migration is in place."""
        return self.found_as or self.run_id
