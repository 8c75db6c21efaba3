"""The flow rollback-migration: find the run, revert it, prove it, probe again."""

from typing import Any
from uuid import uuid4

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort, Pause

from flows.border import masking_errors
from flows.migration.errors import NotInPlace
from flows.migration.folder import DEFAULT_FOLDER
from flows.migration.manifest import BudgetMs
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.tasks import landing
from flows.tasks.claim import claim, claiming
from flows.tasks.engine import is_away, without_prefect
from flows.tasks.rollback import find_run, probe_again, revert, verify_reverted


@flow(
    name="rollback-migration",
    flow_run_name="rollback-{migration}",
    persist_result=False,
)
@masking_errors
def rollback_migration(
    migration: str,
    folder: str = DEFAULT_FOLDER,
    reason: str = "asked for by hand",
    budget_ms: BudgetMs | None = None,
) -> State[Any]:
    """Take a migration back without losing a row.

    What down.sql deletes is saved in the same transaction; the catalogue is proved
    to be what it was before.

    Args:
        migration: Version or name, e.g. 008 or 008_active_org.
        folder: Folder of migrations, as the worker sees it.
        reason: Why; kept in the ledger.
        budget_ms: Longest wait of the application that we may cause, in
            milliseconds; empty for the migration's own (2000 by default).
    """
    report = Report(action="rollback", version=migration, run_id=str(uuid4()))
    flight = None
    with claiming():
        try:
            flight = claim(find_run(report, migration, folder, budget_ms))
            committed = revert(flight, reason)
            reverted = verify_reverted(flight, committed)
            probe_again(flight, reverted)
        except (Pause, Abort):
            raise
        except Exception as error:
            landing.conclude_failed_rollback(report, flight, error)
        landing.close(report, flight)
    return landing.state_of(report)


def roll_back(failed: Report, folder: str) -> Report:
    """Roll a failed deployment back as a subflow; without Prefect if it is away.

    With the deployment's own budget: what it was given may be what it takes.
    """
    reason, budget_ms = failed.errors[0], failed.budget_ms
    if is_away():
        return roll_back_without_prefect(failed, folder)
    try:
        state = rollback_migration(
            failed.version, folder, reason, budget_ms, return_state=True
        )
        return landing.report_of(state)
    except Exception:
        # Prefect's: what goes wrong with the rollback itself is in its report.
        return roll_back_without_prefect(failed, folder)


def roll_back_without_prefect(failed: Report, folder: str) -> Report:
    """The same steps as plain functions: the database cannot wait for Prefect."""
    report = Report(action="rollback", version=failed.version, run_id=str(uuid4()))
    flight = None
    with without_prefect(), claiming():
        try:
            found = find_run(report, failed.version, folder, failed.budget_ms)
            flight = claim(found)
            committed = revert(flight, failed.errors[0])
            verify_reverted(flight, committed)
        except NotInPlace:
            # It was a moment ago: a subflow got to its COMMIT and could not say so.
            report.conclude(Outcome.ROLLED_BACK)
        except Exception as error:
            landing.conclude_failed_rollback(report, flight, error)
        landing.close(report, flight)
    return report
