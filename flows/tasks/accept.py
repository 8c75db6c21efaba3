"""Acceptance as a task: the last word in the ledger."""

from prefect import get_run_logger

from flows.database.verify import record_accepted
from flows.migration.flight import Flight
from flows.migration.outcome import Outcome
from flows.migration.probe import ProbeResult
from flows.migration.report import Report
from flows.tasks.step import changing_step


@changing_step("accept")
def accept(flight: Flight, probes: list[ProbeResult]) -> Report:
    """Note in the ledger that the migration stays, and close the report."""
    record_accepted(flight, f"{len(probes)} probes passed")
    version = flight.migration.version
    get_run_logger().info("✅ Migration %s applied successfully!", version)
    return flight.report.conclude(Outcome.DEPLOYED)
