"""Putting back by hand what rollbacks saved, as tasks."""

from collections.abc import Sequence

from flows.database.claim import current_claim
from flows.database.online.restore import restore_by_hand
from flows.database.saved import still_saved
from flows.migration.flight import Flight
from flows.migration.outcome import Outcome
from flows.migration.report import Report, Restored, Saved
from flows.tasks.aside import speaking_aside
from flows.tasks.engine import run_log
from flows.tasks.rollback import locate_flight
from flows.tasks.step import changing_step, reading_step


@reading_step("find-flight")
def find_flight(
    report: Report, migration: str, folder: str, budget_ms: int | None = None
) -> Flight:
    """Find the migration and the target, whether it is in place or not."""
    return locate_flight(report, migration, folder, budget_ms)


@reading_step("find-saved")
def find_saved(flight: Flight) -> list[Saved]:
    """What is only in the ledger; the report is closed where there is nothing."""
    saved = still_saved(flight.target, flight.migration.version)
    if not saved:
        run_log().info("✅ Nothing is saved that is not put back already")
        flight.report.conclude(Outcome.NOTHING_TO_DO)
    return saved


@changing_step("restore")
def restore(flight: Flight) -> list[Restored]:
    """Put it back in batches, careful to write nothing over.

    Raises:
        Blocked: there is no place for it.
    """
    current_claim().renew()
    with flight.report.phase("restore"), speaking_aside(run_log()) as say:
        restored = restore_by_hand(flight, say)
    tell_restored(flight.report, restored)
    is_left = any(one.conflicts for one in restored)
    flight.report.conclude(Outcome.NEEDS_DECISION if is_left else Outcome.RESTORED)
    return restored


def tell_restored(report: Report, restored: Sequence[Restored]) -> None:
    """Say what was put back, and what was not and why."""
    report.restored = list(restored)
    log = run_log()
    for one in restored:
        log.info("✅ Restored: %s rows of %s", f"{one.rows:,}", one.name)
        for line in one.left:
            log.warning("⚠️  Not restored, still saved: %s: %s", one.name, line)
