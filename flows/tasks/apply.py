"""Apply as a task: never submitted, never cached, never retried by Prefect."""

from prefect import get_run_logger

from flows.database.apply import apply as apply_migration
from flows.database.attempt import Say
from flows.database.online.apply import apply_online
from flows.migration.errors import BudgetExceeded
from flows.migration.flight import Flight
from flows.migration.probe import ProbeResult
from flows.migration.report import Applied
from flows.tasks.aside import speaking_aside
from flows.tasks.step import changing_step


@changing_step("apply")
def apply(flight: Flight, baseline: list[ProbeResult]) -> Applied:
    """Apply the migration by the strategy that preflight has chosen."""
    log = get_run_logger()
    with flight.report.phase("apply"), speaking_aside(log) as say:
        applied = _apply(flight, say)
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


def _apply(flight: Flight, say: Say) -> Applied:
    if flight.strategy == "online":
        return apply_online(flight, say)
    try:
        return apply_migration(flight, say)
    except BudgetExceeded as error:
        if not flight.may_go_online:
            raise
        say(f"{error.message}; going on online")
    return apply_online(flight, say)
