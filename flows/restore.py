"""The flow restore-migration: put back by hand what rollbacks of a migration saved."""

from typing import Any
from uuid import uuid4

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort, Pause

from flows.border import masking_errors
from flows.migration.folder import DEFAULT_FOLDER
from flows.migration.manifest import BudgetMs
from flows.migration.report import Report
from flows.tasks import landing
from flows.tasks.claim import claim, claiming
from flows.tasks.restore import find_flight, find_saved, restore


@flow(
    name="restore-migration",
    flow_run_name="restore-{migration}",
    persist_result=False,
)
@masking_errors
def restore_migration(
    migration: str,
    folder: str = DEFAULT_FOLDER,
    budget_ms: BudgetMs | None = None,
) -> State[Any]:
    """Put back what a rollback saved and nothing has put back yet.

    Nothing is written over; what has a conflict stays saved, and is listed.

    Args:
        migration: Version or name, e.g. 008 or 008_active_org.
        folder: Folder of migrations, as the worker sees it.
        budget_ms: Longest wait of the application that we may cause, in
            milliseconds; empty for the migration's own (2000 by default).
    """
    report = Report(action="restore", version=migration, run_id=str(uuid4()))
    flight = None
    with claiming():
        try:
            found = find_flight(report, migration, folder, budget_ms)
            if find_saved(found):
                flight = claim(found)
                restore(flight)
        except (Pause, Abort):
            raise
        except Exception as error:
            landing.conclude_failed_restore(report, flight, error)
        landing.close(report, flight)
    return landing.state_of(report)
