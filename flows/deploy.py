"""The flow deploy-migration: preflight, apply, verify, smoke test, or all back."""

import os
from typing import Any
from uuid import uuid4

from prefect.client.schemas.objects import State
from prefect.exceptions import Abort, Pause

from flows.border import masking_errors
from flows.migration.approval import A_DAY, Gate, Minutes
from flows.migration.flight import Flight
from flows.migration.folder import folder_chosen
from flows.migration.lateness import AN_HOUR, Lateness
from flows.migration.outcome import Outcome
from flows.migration.parameters import Budget, Folder, MigrationName, TargetChoice
from flows.migration.report import Report
from flows.migration.strategy import WORKERS, Terms, Wish, Workers
from flows.rollback import roll_back, roll_back_without_prefect
from flows.targets import aiming
from flows.tasks import landing
from flows.tasks.accept import accept
from flows.tasks.apply import apply
from flows.tasks.approval import approval as approved
from flows.tasks.claim import claim, claiming
from flows.tasks.form import migration_flow
from flows.tasks.lateness import assert_in_time
from flows.tasks.plan import plan
from flows.tasks.preflight import preflight
from flows.tasks.smoke import baseline, smoke_test
from flows.tasks.verify import verify


@migration_flow("deploy-migration", "deploy-{migration}")
@masking_errors
def deploy_migration(
    migration: MigrationName,
    target: TargetChoice = None,
    strategy: Wish = "auto",
    budget_ms: Budget = None,
    workers: Workers = WORKERS,
    approval: bool = False,
    approval_minutes: Minutes = A_DAY,
    latest_start_minutes: Lateness = AN_HOUR,
    folder: Folder = "",
) -> State[Any]:
    """Clear a PostgreSQL migration for production and fly it.

    Preflight, plan, apply (in one transaction that is verified before its COMMIT, or
    online in short steps), verify, smoke-test the application; when it turns out
    bad, roll it back.

    Args:
        migration: Version or name, e.g. 008 or 008_active_org.
        target: Where it goes: one of the blocks on this server (PostgreSQL target).
            Empty for the worker's own environment: PGFLIGHT_TARGET, or DATABASE_URL.
        strategy: auto takes one transaction where that fits half the budget, and
            short online steps otherwise.
        budget_ms: Longest wait of the application that we may cause, in
            milliseconds; without it the migration's own (2000 by default).
        workers: Backends that fill rows at the same time, online.
        approval: Suspend the run once it is planned, until somebody approves or
            declines the plan (Resume).
        approval_minutes: How long that question stands; without an answer nothing is
            done.
        latest_start_minutes: How late it may begin: a run that was put off, or that no
            worker has taken, is refused after that.
        folder: Folder of migrations, as the worker sees it. Empty for its own:
            PGFLIGHT_MIGRATIONS, or sql/migrations.
    """
    folder = folder_chosen(folder, os.environ)
    report = Report(action="deploy", version=migration, run_id=str(uuid4()))
    flight = None
    with claiming(), aiming(target):
        try:
            assert_in_time(latest_start_minutes)
            terms = Terms(budget_ms, strategy, workers)
            cleared = preflight(report, migration, folder, terms)
            if cleared.is_accepted:
                flight = cleared
                verify(flight, None)
                report.conclude(Outcome.NOTHING_TO_DO)
            else:
                flight = claim(cleared)
                landing.assert_not_condemned(flight)
                before = baseline(flight)
                applied = None
                if not flight.is_applied:
                    planned = approved(
                        flight,
                        plan(flight, before),
                        Gate(approval, approval_minutes),
                        lambda: preflight(report, migration, folder, terms),
                    )
                    applied = apply(flight, planned)
                checks = verify(flight, applied)
                probes = smoke_test(flight, checks, before)
                accept(flight, probes)
        except (Pause, Abort):
            raise
        except Exception as error:
            take_back(report, flight, folder, error)
        except BaseException as signal:
            stop(report, flight, folder, signal)
            raise
        landing.close(report, flight)
    return landing.state_of(report)


def take_back(
    report: Report, flight: Flight | None, folder: str, error: Exception
) -> None:
    """Roll back what is in place and bad, and settle the report."""
    report.add_error(error)
    try:
        if flight and landing.must_roll_back(flight, error):
            landing.log_rollback()
            rollback = roll_back(report, folder, error, flight)
            landing.conclude_taken_back(report, flight, rollback)
        else:
            report.conclude(landing.outcome_without_rollback(flight, error))
    except BaseException as signal:
        # An interrupted rollback has left what is bad in place.
        stop(report, flight, folder, signal)
        raise


def stop(
    report: Report, flight: Flight | None, folder: str, signal: BaseException
) -> None:
    """Cancelled, or Ctrl-C: seconds are left, too few for a subflow."""
    report.add_error(signal)
    # Until it is known: a second signal may end this too.
    report.conclude(Outcome.UNKNOWN if flight else Outcome.BLOCKED)
    try:
        if flight and landing.must_take_back_own(flight):
            landing.condemn_own(flight, signal)
            landing.log_rollback()
            # Until it is back: a second signal may end this too.
            report.conclude(Outcome.ROLLBACK_FAILED)
            report.take_back(roll_back_without_prefect(report, folder))
        else:
            report.conclude(landing.outcome_without_rollback(flight, signal))
    finally:
        landing.close(report, flight)
