"""The flow restore-migration: put back by hand what rollbacks of a migration saved."""

import os
from typing import Any
from uuid import uuid4

from prefect.client.schemas.objects import State
from prefect.exceptions import Abort, Pause

from flows.border import masking_errors
from flows.migration.folder import folder_chosen
from flows.migration.parameters import Budget, Folder, MigrationName, TargetChoice
from flows.migration.report import Report
from flows.targets import aiming
from flows.tasks import landing
from flows.tasks.claim import claim, claiming
from flows.tasks.form import migration_flow
from flows.tasks.restore import find_flight, find_saved, restore


@migration_flow("restore-migration", "restore-{migration}")
@masking_errors
def restore_migration(
    migration: MigrationName,
    target: TargetChoice = None,
    budget_ms: Budget = None,
    folder: Folder = "",
) -> State[Any]:
    """Put back what a rollback saved and nothing has put back yet.

    Nothing is written over; what has a conflict stays saved, and is listed.

    Args:
        migration: Version or name, e.g. 008 or 008_active_org.
        target: Where it goes: one of the blocks on this server (PostgreSQL target).
            Empty for the worker's own environment: PGFLIGHT_TARGET, or DATABASE_URL.
        budget_ms: Longest wait of the application that we may cause, in
            milliseconds; without it the migration's own (2000 by default).
        folder: Folder of migrations, as the worker sees it. Empty for its own:
            PGFLIGHT_MIGRATIONS, or sql/migrations.
    """
    folder = folder_chosen(folder, os.environ)
    report = Report(action="restore", version=migration, run_id=str(uuid4()))
    flight = None
    with claiming(), aiming(target):
        try:
            found = find_flight(report, migration, folder, budget_ms)
            if find_saved(found):
                flight = claim(found)
                restore(flight)
        except (Pause, Abort):
            raise
        except Exception as error:
            landing.conclude_failed_restore(report, flight, error)
        except BaseException as signal:
            if report.outcome is None:
                landing.conclude_failed_restore(report, flight, signal)
            landing.close(report, flight)
            raise
        landing.close(report, flight)
    return landing.state_of(report)
