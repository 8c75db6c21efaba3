"""Apply as a task: never submitted, never cached, never retried by Prefect."""

from flows.database.chosen import apply_as_chosen
from flows.database.claim import current_claim
from flows.migration.commit_state import CommitState
from flows.migration.errors import not_replicated
from flows.migration.flight import Flight
from flows.migration.plan import Plan
from flows.migration.report import Applied
from flows.tasks.aside import speaking_aside
from flows.tasks.engine import run_log
from flows.tasks.publishing import publish_locks
from flows.tasks.restore import tell_restored
from flows.tasks.step import changing_step


@changing_step("apply")
def apply(flight: Flight, plan: Plan) -> Applied:
    """Apply the migration by the strategy that preflight has chosen."""
    current_claim().renew()
    log = run_log()
    try:
        with flight.report.phase("apply"), speaking_aside(log) as say:
            applied = apply_as_chosen(flight, say)
        flight.report.applied = applied
    finally:
        publish_locks(flight.report)
    tell_restored(flight.report, applied.restored)
    if applied.commit is CommitState.RECONCILED_COMMITTED:
        log.warning("⚠️  The COMMIT's answer was lost; the ledger shows: committed")
    if not applied.is_replicated:
        raise not_replicated()
    log.info(
        "✅ Migration executed successfully: %s ms, longest wait of another session"
        " %s ms",
        f"{applied.total_ms:,.0f}",
        f"{applied.waits.longest_ms:,.0f}",
    )
    return applied
