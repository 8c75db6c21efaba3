"""The rollback as tasks; each can also be called without Prefect, as ``plain``."""

from pathlib import Path

from flows.database.attempt import Committed
from flows.database.claim import current_claim
from flows.database.preflight.clearance import locate
from flows.database.preflight.flight import describe, flight_of
from flows.database.revert import Reverted, prove_reverted
from flows.database.revert import revert as revert_migration
from flows.migration.command import command
from flows.migration.errors import NOT_CONFIRMED, NotCleared, NotInPlace
from flows.migration.flight import Flight
from flows.migration.outcome import Outcome
from flows.migration.parameters import assert_confirmed
from flows.migration.probe import Verdict
from flows.migration.report import Applied, Report
from flows.migration.strategy import Terms
from flows.migration.variables import expand
from flows.targets import aimed_at
from flows.tasks.aside import speaking_aside
from flows.tasks.engine import run_log
from flows.tasks.pinned import pinned_findings
from flows.tasks.preflight import log_findings
from flows.tasks.publishing import publish_locks, publish_probes
from flows.tasks.smoke import probe_before
from flows.tasks.step import changing_step, reading_step


@reading_step("find-run")
def find_run(
    report: Report,
    migration: str,
    folder: str,
    budget_ms: int | None = None,
    confirm: str | None = None,
) -> Flight:
    """Find what is to be rolled back.

    Args:
        confirm: the migration as it was typed again, where a person has to.

    Raises:
        BadInput: it was typed in two ways.
        NotCleared: the migration, the target or the database is not to be had.
        NotInPlace: nothing to roll back.
    """
    if confirm is not None:
        assert_confirmed(migration, confirm)
    flight = locate_flight(report, migration, folder, budget_ms)
    if flight.found_as is None:
        raise NotInPlace(
            f"Migration {flight.migration.version} is not in place here",
            f"See {command('status', target=flight.target.name)}",
        )
    return flight


def locate_flight(
    report: Report, migration: str, folder: str, budget_ms: int | None = None
) -> Flight:
    """The flight to where a migration is, or was.

    Raises:
        NotCleared: the migration, the target or the database is not to be had.
    """
    with report.phase("find run"):
        clearance = locate(Path(folder), migration, aimed_at)
    clearance.findings += pinned_findings(clearance)
    describe(report, clearance)
    if clearance.blocking:
        log_findings(report, clearance.blocking)
        raise NotCleared(
            "\n".join(finding.message for finding in clearance.blocking),
            "\n".join(finding.help for finding in clearance.blocking if finding.help),
        )
    return flight_of(report, clearance, Terms(budget_ms))


@changing_step("revert")
def revert(flight: Flight, reason: str) -> Committed[Reverted]:
    """Save, undo and prove, in one transaction where the whole is in place."""
    current_claim().renew()
    log = run_log()
    with flight.report.phase("revert"), speaking_aside(log) as say:
        committed = revert_migration(flight, reason, say)
    flight.report.saved = committed.result.saved
    flight.report.applied = Applied(
        strategy=committed.result.strategy,
        attempt=committed.attempt,
        total_ms=committed.total_ms,
        rows=sum(saved.rows for saved in committed.result.saved),
        statements=committed.statements,
        locks=committed.locks,
        waits=flight.report.waits_in_vain + committed.waits,
        checks=[],
        commit=committed.commit,
        is_replicated=committed.is_replicated,
    )
    publish_locks(flight.report)
    is_by_steps = committed.result.strategy == "online"
    what = "Steps taken back" if is_by_steps else "down.sql executed"
    log.info("✅ %s: %s ms", what, f"{committed.total_ms:,.0f}")
    if not committed.is_replicated:
        flight.report.errors.append(NOT_CONFIRMED)
    if committed.result.of_others:
        flight.report.errors.append(
            "Left as it is, because somebody else has made or changed it meanwhile: "
            + ", ".join(committed.result.of_others)
        )
        log.warning("⚠️  %s", flight.report.errors[-1])
    return committed


@reading_step("verify-reverted")
def verify_reverted(flight: Flight, committed: Committed[Reverted]) -> Report:
    """Compare the whole catalogue with what it was before, from a fresh session."""
    with flight.report.phase("prove"):
        prove_reverted(flight, committed.result.catalogue)
    run_log().info(
        "✅ Schema is as before: %s objects compared",
        f"{len(committed.result.catalogue):,}",
    )
    return flight.report.conclude(Outcome.ROLLED_BACK)


@reading_step("probe-again")
def probe_again(flight: Flight, reverted: Report) -> Report:
    """Probe what worked before the migration; the report says what does not now."""
    smoke = flight.migration.manifest.smoke
    if smoke is None:
        return reverted
    with reverted.phase("probe again"):
        results = probe_before(expand(smoke, flight.target.plain_values))
    reverted.probes = results
    publish_probes(reverted)
    log = run_log()
    for result in results:
        if result.verdict is Verdict.PASS:
            log.info("✅ Probe: %s", result.name)
        else:
            log.warning("⚠️  Probe: %s: %s", result.name, result.detail)
            reverted.errors.append(
                f"After the rollback: {result.name}: {result.detail}"
            )
    return reverted
