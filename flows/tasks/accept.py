"""Acceptance as a task: the last word in the ledger."""

from flows.database.claim import current_claim
from flows.database.verify import record_accepted
from flows.migration.flight import Flight
from flows.migration.outcome import Outcome
from flows.migration.probe import ProbeResult
from flows.migration.report import Report
from flows.tasks.engine import run_log
from flows.tasks.step import changing_step


@changing_step("accept")
def accept(flight: Flight, probes: list[ProbeResult]) -> Report:
    """Note in the ledger that the migration stays, and close the report."""
    current_claim().renew()
    with flight.report.phase("accept"):
        record_accepted(flight, f"{len(probes)} probes passed")
    version = flight.migration.version
    run_log().info("✅ Migration %s applied successfully!", version)
    return flight.report.conclude(Outcome.DEPLOYED)
