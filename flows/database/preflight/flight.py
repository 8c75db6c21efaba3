"""The flight that a clearance allows."""

from uuid import UUID

from flows.database.preflight.clearance import Clearance
from flows.migration.flight import Flight, Identity
from flows.migration.report import Report
from flows.migration.strategy import Choice, Terms
from flows.migration.target import Target

_UNASKED = Choice("transactional", "nothing is to be applied")
_GOES_ON = Choice("online", "an unfinished online deployment goes on")


def flight_of(report: Report, clearance: Clearance, terms: Terms) -> Flight:
    """The flight of a clearance that found migration, target and database."""
    migration, target, identity = (
        clearance.migration,
        clearance.target,
        clearance.identity,
    )
    assert migration and target and identity
    describe(report, clearance)
    report.budget_ms = terms.budget_ms or migration.manifest.budget_ms
    run = clearance.run
    is_unfinished = run is not None and run.state == "applying"
    return Flight(
        run_id=UUID(report.run_id),
        migration=migration,
        target=target,
        identity=identity,
        budget_ms=report.budget_ms,
        found_as=run.run_id if run else None,
        found_state=run.state if run else None,
        condemned=run.condemned if run and run.is_being_rolled_back else None,
        choice=_GOES_ON if is_unfinished else clearance.choice or _UNASKED,
        outlook=clearance.outlook,
        workers=terms.workers,
        report=report,
    )


def describe(report: Report, clearance: Clearance) -> None:
    """What is known of migration and target; also where there will be no flight."""
    migration, target = clearance.migration, clearance.target
    if migration:
        report.version, report.title = migration.version, migration.title
    if target:
        report.target = _full_name(target, clearance.identity)


def _full_name(target: Target, identity: Identity | None) -> str:
    named = f"{target.name}: " if target.name else ""
    if identity is None:
        return f"{named}{target.source}, which was not asked"
    return f"{named}{identity.role} on {identity.database}@{identity.system_identifier}"
