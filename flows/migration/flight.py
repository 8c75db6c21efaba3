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
        deployed_as: the run that has the migration in place already, or None.
        report: the flight's recorder, filled in by the steps as they go.
    """

    run_id: UUID
    migration: Migration
    target: Target
    identity: Identity
    budget_ms: int
    deployed_as: UUID | None
    report: Report
