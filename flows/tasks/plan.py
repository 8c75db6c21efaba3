"""The plan as a task: what will be done, published before anything is."""

from flows.database.planning import notes_of
from flows.migration.flight import Flight
from flows.migration.plan import Plan, plan_of
from flows.migration.probe import ProbeResult
from flows.tasks.engine import run_log
from flows.tasks.publishing import publish_plan
from flows.tasks.step import reading_step


@reading_step("plan")
def plan(flight: Flight, baseline: list[ProbeResult]) -> Plan:
    """Plan the migration, log each step, and publish the whole as an artifact."""
    notes = notes_of(flight.target)
    planned = plan_of(
        flight.migration, flight.choice, flight.budget_ms, flight.outlook, notes
    )
    log = run_log()
    log.info("✅ Planned: %s", planned.conclusion)
    for step in planned.steps:
        log.info("   %s. %s: %s", step.number, step.kind, step.summary)
    for note in planned.notes:
        log.info("   %s", note)
    publish_plan(flight.report, planned)
    return planned
