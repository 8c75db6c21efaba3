"""The flow rollback-migration: find the run, revert it, prove it, probe again."""

import os
from typing import Any
from uuid import uuid4

from prefect.client.schemas.objects import State
from prefect.exceptions import Abort, Pause

from flows.border import masking_errors
from flows.migration.errors import NotInPlace
from flows.migration.flight import Flight
from flows.migration.folder import folder_chosen
from flows.migration.lateness import AN_HOUR, Lateness
from flows.migration.outcome import Outcome
from flows.migration.parameters import (
    LONGEST_REASON,
    Budget,
    Folder,
    MigrationName,
    Reason,
    TargetChoice,
)
from flows.migration.report import Report
from flows.targets import aim_name, aiming
from flows.tasks import landing
from flows.tasks.claim import claim, claiming
from flows.tasks.drawing import after
from flows.tasks.engine import is_away, without_prefect
from flows.tasks.form import migration_flow
from flows.tasks.lateness import assert_in_time
from flows.tasks.rollback import find_run, probe_again, revert, verify_reverted


@migration_flow("rollback-migration", "rollback-{migration}")
@masking_errors
def rollback_migration(
    migration: MigrationName,
    confirm: MigrationName,
    target: TargetChoice = None,
    reason: Reason = "asked for by hand",
    budget_ms: Budget = None,
    latest_start_minutes: Lateness = AN_HOUR,
    folder: Folder = "",
) -> State[Any]:
    """Take a migration back without losing a row.

    What down.sql deletes is saved in the same transaction; the catalogue is proved
    to be what it was before.

    Args:
        migration: Version or name, e.g. 008 or 008_active_org.
        confirm: The same again, to the letter, so that no typing mistake takes another
            one back.
        target: Where it goes: one of the blocks on this server (PostgreSQL target).
            Empty for the worker's own environment: PGFLIGHT_TARGET, or DATABASE_URL.
        reason: Why; kept in the ledger.
        budget_ms: Longest wait of the application that we may cause, in
            milliseconds; without it the migration's own (2000 by default).
        latest_start_minutes: How late it may begin: a run that was put off, or that no
            worker has taken, is refused after that.
        folder: Folder of migrations, as the worker sees it. Empty for its own:
            PGFLIGHT_MIGRATIONS, or sql/migrations.
    """
    folder = folder_chosen(folder, os.environ)
    report = Report(action="rollback", version=migration, run_id=str(uuid4()))
    flight = None
    with claiming() as is_outermost, aiming(target):
        try:
            assert_in_time(latest_start_minutes)
            flight = claim(find_run(report, migration, folder, budget_ms, confirm))
            committed = revert(flight, reason)
            reverted = verify_reverted(flight, committed)
            probe_again(flight, reverted)
        except (Pause, Abort):
            raise
        except Exception as error:
            fail(report, flight, error, is_outermost)
        except BaseException as signal:
            stop(report, flight, signal, is_outermost)
            raise
        landing.close(report, flight)
    return landing.state_of(report)


def fail(
    report: Report, flight: Flight | None, error: Exception, is_outermost: bool
) -> None:
    """Settle the report of what did not get to its end, which the ledger is asked."""
    try:
        landing.conclude_failed_rollback(report, flight, error, is_by_hand=is_outermost)
    except BaseException as signal:
        stop(report, flight, signal, is_outermost)
        raise


def stop(
    report: Report, flight: Flight | None, signal: BaseException, is_outermost: bool
) -> None:
    """Cancelled, or Ctrl-C: what was not committed by then is not done."""
    if not is_outermost and not report.applied:
        # A deployment takes it back itself, in the seconds that are left.
        return
    try:
        landing.conclude_stopped_rollback(report, flight, signal)
    finally:
        landing.close(report, flight)


def roll_back(failed: Report, folder: str, *causes: object) -> Report:
    """Roll a failed deployment back as a subflow; without Prefect if it is away.

    With the deployment's own budget: what it was given may be what it takes.

    Args:
        causes: the subflow is drawn after the step that the first known of them is of.
    """
    reason, budget_ms = failed.errors[0][:LONGEST_REASON], failed.budget_ms
    if is_away():
        return roll_back_without_prefect(failed, folder)
    try:
        state = rollback_migration(
            failed.version,
            confirm=failed.version,
            target=aim_name(),
            reason=reason,
            budget_ms=budget_ms,
            folder=folder,
            return_state=True,
            wait_for=after(*causes),
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
            landing.conclude_failed_rollback(report, flight, error, is_by_hand=False)
        landing.close(report, flight)
    return report
