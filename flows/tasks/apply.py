"""Apply as a task: never submitted, never cached, never retried by Prefect."""

from prefect import get_run_logger

from flows.database.apply import apply as apply_migration
from flows.migration.flight import Flight
from flows.migration.probe import ProbeResult
from flows.migration.report import Applied
from flows.tasks.aside import speaking_aside
from flows.tasks.step import changing_step


@changing_step("apply")
def apply(flight: Flight, baseline: list[ProbeResult]) -> Applied:
    """Apply the migration in one transaction that is verified before its COMMIT."""
    log = get_run_logger()
    with flight.report.phase("apply"), speaking_aside(log) as say:
        applied = apply_migration(flight, say)
    flight.report.applied = applied
    if applied.reconciled:
        log.warning("⚠️  The COMMIT's answer was lost; the ledger shows: committed")
    log.info(
        "✅ Migration executed successfully: %s ms, longest wait of another session"
        " %s ms",
        f"{applied.total_ms:,.0f}",
        f"{applied.waits.longest_ms:,.0f}",
    )
    return applied
