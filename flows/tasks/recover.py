"""What a recovery finds, as a task."""

from uuid import UUID

from flows.database.claim import current_claim
from flows.database.unfinished import Unfinished, is_anything_left
from flows.database.unfinished import find_unfinished as find
from flows.migration.report import Report
from flows.targets import aimed_at
from flows.tasks.engine import run_log
from flows.tasks.pinned import remembered
from flows.tasks.step import changing_step


@changing_step("find-unfinished")
def find_unfinished(report: Report) -> list[Unfinished]:
    """List what was left unfinished, oldest first; where anything is, claimed.

    Raises:
        Busy: a run is at work, so nothing was left.
        TargetError, NotCleared: the target is not the one that is meant.
    """
    target = aimed_at()
    log, flight_id = run_log(), UUID(report.run_id)
    pin = remembered(target)
    if not is_anything_left(target, flight_id, pin):
        log.info("✅ Nothing is unfinished")
        return []
    current_claim().take(target, f"{report.run_id} recover")
    found = find(target, flight_id, pin)
    for settled in found.settled:
        log.info("✅ Settled a lost run of %s: %s", settled.version, settled.detail)
    for run in found.runs:
        log.info("   %s is unfinished: %s", run.version, _why(run))
    if not found.runs:
        log.info("✅ Nothing is unfinished")
    return found.runs


def _why(run: Unfinished) -> str:
    if run.condemned:
        return f"a rollback was begun, because: {run.condemned}"
    return f"{run.state}, {run.last_outcome or 'and its process is gone'}"
