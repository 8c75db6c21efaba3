"""Verification as tasks that run beside each other, and one that sums up."""

from collections.abc import Callable

from flows.database import verify as database
from flows.database.accepted import read_accepted
from flows.database.replicas import check_replicas
from flows.migration.check import Check
from flows.migration.errors import ChecksFailed, Inconclusive
from flows.migration.flight import Flight
from flows.migration.probe import Verdict
from flows.migration.report import Applied, Report
from flows.targets import aimed_at
from flows.tasks.aside import speaking_aside
from flows.tasks.engine import run_log
from flows.tasks.pinned import remembered
from flows.tasks.publishing import publish_checks
from flows.tasks.step import ReadingStep, beside, reading_step

VerifyStep = ReadingStep[[Flight, Applied | None], list[Check]]


def _verify_step(
    name: str, done: str, look: Callable[[Flight], list[Check]]
) -> VerifyStep:
    """One task: ``done`` is what an operator reads when all is well."""

    def run(flight: Flight, applied: Applied | None) -> list[Check]:
        log = run_log()
        checks = look(flight)
        for check in checks:
            if check.verdict is Verdict.FAIL:
                log.error("❌ %s", check.sentence)
            elif check.is_warning or check.verdict is Verdict.INCONCLUSIVE:
                log.warning("⚠️  %s", check.sentence)
        good = [check for check in checks if not check.is_warning]
        if good and all(check.verdict is Verdict.PASS for check in good):
            log.info("✅ %s: %s", done, _subjects(good))
        return checks

    return reading_step(name)(run)


def _subjects(checks: list[Check]) -> str:
    return ", ".join(check.detail or check.subject for check in checks)


verify_column = _verify_step("verify-column", "Column created", database.verify_columns)
verify_index = _verify_step("verify-index", "Index created", database.verify_indexes)
verify_foreign_key = _verify_step(
    "verify-foreign-key", "Foreign key created", database.verify_foreign_keys
)
verify_backfill = _verify_step(
    "verify-backfill", "Backfill complete", database.verify_backfill
)
verify_functions = _verify_step(
    "verify-functions", "Helper functions created", database.verify_functions
)

verify_privileges = _verify_step(
    "verify-privileges", "Usable by the application", database.verify_privileges
)


def _follow_replicas(flight: Flight) -> list[Check]:
    with speaking_aside(run_log()) as say:
        return check_replicas(flight, say)


verify_replicas = _verify_step("verify-replicas", "Replicas have it", _follow_replicas)

VERIFY_STEPS = (
    verify_column,
    verify_index,
    verify_foreign_key,
    verify_backfill,
    verify_functions,
)


def _steps(flight: Flight) -> tuple[VerifyStep, ...]:
    """The five of every migration, and what the target asks for besides."""
    target = flight.target
    return (
        *VERIFY_STEPS,
        *((verify_privileges,) if target.application_role else ()),
        *((verify_replicas,) if target.replica_urls else ()),
    )


@reading_step("find-accepted")
def find_accepted(report: Report) -> list[str]:
    """The versions that the ledger has as accepted, in their order.

    Raises:
        TargetError, NotCleared: the target is not the one that is meant.
    """
    with report.phase("find accepted"):
        target = aimed_at()
        found = read_accepted(target, report.run_id, remembered(target))
    log = run_log()
    log.info("✅ Accepted: %s", ", ".join(found) or "nothing yet")
    return found


def verify(
    flight: Flight, applied: Applied | None, *, is_recorded: bool = True
) -> list[Check]:
    """Run all of them beside each other, then judge them together.

    Args:
        is_recorded: whether the ledger is told.
    """
    with flight.report.phase("verify"):
        return verified(flight, beside(_steps(flight), flight, applied), is_recorded)


@reading_step("verified")
def verified(
    flight: Flight, checks: list[list[Check]], is_recorded: bool
) -> list[Check]:
    """Judge all checks together, and note the result in the ledger if that is wanted.

    Raises:
        ChecksFailed: naming each failed check.
        Inconclusive: none failed, but some could not be judged.
    """
    found = [check for part in checks for check in part]
    flight.report.checks = found
    publish_checks(flight.report)
    failed = [check.sentence for check in found if check.verdict is Verdict.FAIL]
    if failed:
        raise ChecksFailed("Verification failed:\n" + "\n".join(failed))
    open_ = [check.sentence for check in found if check.verdict is not Verdict.PASS]
    if open_:
        raise Inconclusive(
            "Verification is inconclusive:\n" + "\n".join(open_),
            "Look at these, then run again: what is in place will be verified anew.",
        )
    if is_recorded and not flight.is_accepted:
        database.record_verified(flight, f"{len(found)} checks passed")
    return found
