"""The flow verify-migration: what is in place, held against what was promised."""

from typing import Any
from uuid import uuid4

from prefect.client.schemas.objects import State

from flows.border import masking_errors
from flows.migration.folder import DEFAULT_FOLDER
from flows.migration.outcome import Outcome
from flows.migration.parameters import Folder, MigrationName, TargetChoice
from flows.migration.report import Report
from flows.targets import aiming
from flows.tasks import landing
from flows.tasks.form import migration_flow
from flows.tasks.rollback import find_run
from flows.tasks.verify import verify


@migration_flow("verify-migration", "verify-{migration}")
@masking_errors
def verify_migration(
    migration: MigrationName,
    target: TargetChoice = None,
    folder: Folder = DEFAULT_FOLDER,
) -> State[Any]:
    """Check a deployed migration again; nothing is changed.

    Args:
        migration: Version or name, e.g. 008 or 008_active_org.
        target: Where it goes: one of the blocks on this server (PostgreSQL target).
            Empty for the worker's own environment: PGFLIGHT_TARGET, or DATABASE_URL.
        folder: Folder of migrations, as the worker sees it.
    """
    report = Report(action="verify", version=migration, run_id=str(uuid4()))
    flight = None
    with aiming(target):
        try:
            flight = find_run(report, migration, folder)
            verify(flight, None, is_recorded=False)
            report.conclude(Outcome.NOTHING_TO_DO)
        except Exception as error:
            report.add_error(error)
            report.conclude(landing.outcome_without_rollback(flight, error))
        landing.close(report, None)
    return landing.state_of(report)
