"""The flow verify-migration: what is in place, held against what was promised."""

import os
from typing import Any
from uuid import uuid4

from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.border import masking_errors
from flows.migration.folder import folder_chosen
from flows.migration.outcome import Outcome
from flows.migration.parameters import Folder, MigrationName, TargetChoice
from flows.migration.report import Report
from flows.targets import aiming
from flows.tasks import landing
from flows.tasks.form import migration_flow
from flows.tasks.rollback import find_run
from flows.tasks.verify import find_accepted, verify


@migration_flow(
    "verify-migration", lambda: f"verify-{flow_run.parameters['migration'] or 'all'}"
)
@masking_errors
def verify_migration(
    migration: MigrationName | None = None,
    target: TargetChoice = None,
    folder: Folder = "",
) -> State[Any]:
    """Check what is deployed again; nothing is changed.

    What is not any more as it was promised is reported, and the run fails.

    Args:
        migration: Version or name, e.g. 008 or 008_active_org; empty for every
            migration that the ledger has as accepted.
        target: Where it is: one of the blocks on this server (PostgreSQL target).
            Empty for the worker's own environment: PGFLIGHT_TARGET, or DATABASE_URL.
        folder: Folder of migrations, as the worker sees it. Empty for its own:
            PGFLIGHT_MIGRATIONS, or sql/migrations.
    """
    folder = folder_chosen(folder, os.environ)
    with aiming(target):
        report = verify_one(migration, folder) if migration else verify_accepted(folder)
        landing.close(report, None)
    return landing.state_of(report)


def verify_one(migration: str, folder: str) -> Report:
    """Hold one migration against what it promised."""
    report = Report(action="verify", version=migration, run_id=str(uuid4()))
    flight = None
    try:
        flight = find_run(report, migration, folder)
        verify(flight, None, is_recorded=False)
        report.conclude(Outcome.NOTHING_TO_DO)
    except Exception as error:
        report.add_error(error)
        report.conclude(landing.outcome_without_rollback(flight, error))
    return report


def verify_accepted(folder: str) -> Report:
    """Hold everything that was accepted against what it promised, oldest first."""
    report = Report(action="verify", version="", run_id=str(uuid4()))
    try:
        for version in find_accepted(report):
            part = verify_one(version, folder)
            report.verified.append(part)
            report.errors += [f"{version}: {error}" for error in part.errors]
    except Exception as error:
        report.add_error(error)
        return report.conclude(landing.outcome_without_rollback(None, error))
    report.target = next((part.target for part in report.verified), "")
    return report.conclude_all()
