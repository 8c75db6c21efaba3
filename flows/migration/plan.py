"""The plan: what a migration will do, in order, and whom it will keep waiting."""

from pydantic import BaseModel

from flows.migration.folder import Migration
from flows.migration.locks import blocks, locks_of, stronger
from flows.migration.script import Script


class PlannedLock(BaseModel):
    """A lock that a step takes, or makes stronger."""

    table: str
    mode: str
    blocks: str


class Step(BaseModel):
    """One statement as it will run."""

    number: int
    where: str
    summary: str
    statement: str
    locks: list[PlannedLock]


class Plan(BaseModel):
    """EXPLAIN for a migration.

    Attributes:
        strategy: transactional: all steps in one transaction, every lock held from
            its step until the COMMIT.
        expected_ms: expected time under lock; None where no database was asked.
    """

    version: str
    title: str
    strategy: str = "transactional"
    budget_ms: int
    steps: list[Step]
    locks: list[PlannedLock]
    expected_ms: float | None = None


def plan_of(migration: Migration, budget_ms: int | None = None) -> Plan:
    """Plan a migration from its syntax tree alone."""
    return Plan(
        version=migration.version,
        title=migration.title,
        budget_ms=budget_ms or migration.manifest.budget_ms,
        steps=[
            Step(
                number=number,
                where=statement.where,
                summary=statement.summary,
                statement=statement.text,
                locks=[_planned(lock.table, lock.mode) for lock in locks_of(statement)],
            )
            for number, statement in enumerate(migration.up.statements, start=1)
        ],
        locks=_strongest(migration.up),
    )


def _strongest(script: Script) -> list[PlannedLock]:
    modes: dict[str, str] = {}
    for statement in script.statements:
        for lock in locks_of(statement):
            modes[lock.table] = stronger(modes.get(lock.table, lock.mode), lock.mode)
    return [_planned(table, mode) for table, mode in sorted(modes.items())]


def _planned(table: str, mode: str) -> PlannedLock:
    return PlannedLock(table=table, mode=mode, blocks=blocks(mode))
