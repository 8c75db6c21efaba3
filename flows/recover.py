"""The flow recover-migrations: bring to its end what a killed run has left."""

import os
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from prefect.client.schemas.objects import State
from prefect.exceptions import Abort, Pause

from flows.border import masking_errors
from flows.deploy import deploy_migration
from flows.migration.errors import Busy
from flows.migration.folder import folder_chosen
from flows.migration.outcome import Outcome
from flows.migration.parameters import Folder, TargetChoice
from flows.migration.report import Report
from flows.targets import aim_name, aiming
from flows.tasks import landing
from flows.tasks.claim import claiming
from flows.tasks.drawing import after
from flows.tasks.engine import is_away
from flows.tasks.form import migration_flow
from flows.tasks.lateness import is_overtaken
from flows.tasks.recover import find_unfinished


@migration_flow("recover-migrations", "recover")
@masking_errors
def recover_migrations(target: TargetChoice = None, folder: Folder = "") -> State[Any]:
    """Bring to its end whatever a killed run has left, and do nothing else.

    An unfinished deployment goes on where it was, an unfinished rollback too; what
    became of a lost COMMIT is settled. What waits for a person's decision is named and
    left alone. While another run is at work there is nothing to recover, nor where this
    one is late and a younger one looks.

    Args:
        target: Where it goes: one of the blocks on this server (PostgreSQL target).
            Empty for the worker's own environment: PGFLIGHT_TARGET, or DATABASE_URL.
        folder: Folder of migrations, as the worker sees it. Empty for its own:
            PGFLIGHT_MIGRATIONS, or sql/migrations.
    """
    folder = folder_chosen(folder, os.environ)
    report = Report(action="recover", version="", run_id=str(uuid4()))
    with claiming(), aiming(target):
        try:
            unfinished = [] if is_overtaken() else find_unfinished(report)
            waiting = [run for run in unfinished if run.waits_for_a_person]
            report.recovered = [
                go_on(run.version, folder, after(unfinished))
                for run in unfinished
                if run not in waiting
            ]
            landing.name_waiting(report, waiting)
        except (Pause, Abort):
            raise
        except Busy as busy:
            report.add_error(busy)
            report.conclude(Outcome.NOTHING_TO_DO)
        except Exception as error:
            report.add_error(error)
            report.conclude(landing.outcome_without_rollback(None, error))
        landing.close(report, None)
    return landing.state_of(report)


def go_on(version: str, folder: str, found: Sequence[Any]) -> Report:
    """Deploying what is unfinished goes on from where it is, also with its rollback."""
    target = aim_name()
    if is_away():
        state = deploy_migration.fn(version, target, folder=folder)
    else:
        state = deploy_migration(
            version, target, folder=folder, return_state=True, wait_for=found
        )
    return landing.report_of(state)
