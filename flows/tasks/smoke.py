"""The smoke test as tasks: the baseline before, the probes after, judged together."""

from functools import partial

from flows.database.cells import left_as_found, read_cell
from flows.database.claim import current_claim
from flows.migration.check import Check
from flows.migration.command import command
from flows.migration.errors import Blocked, Inconclusive, SmokeFailed
from flows.migration.flight import Flight
from flows.migration.probe import ProbeResult, Smoke, Verdict, judge
from flows.migration.variables import expand
from flows.smoke import client_for, run_baseline, run_probes
from flows.tasks.engine import run_log
from flows.tasks.publishing import publish_probes
from flows.tasks.step import changing_step, reading_step

_MARKS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "⚠️ "}


@reading_step("baseline")
def baseline(flight: Flight) -> list[ProbeResult]:
    """Probe what must already work before anything is touched.

    Raises:
        Blocked: a probe does not pass now, so it could prove nothing afterwards.
    """
    smoke = _smoke(flight)
    if smoke is None:
        return []
    with flight.report.phase("baseline"):
        results = probe_before(smoke)
    flight.report.baseline = results
    publish_probes(flight.report)
    _log(results)
    failed = [result for result in results if result.verdict is not Verdict.PASS]
    if failed:
        raise Blocked(
            "The application already fails before the migration:\n"
            + "\n".join(f"{result.name}: {result.detail}" for result in failed),
            "Repair it, or correct the target's endpoint and values, and run again.",
        )
    return results


# It writes, through the application, and what was there before is noted first: tried
# again as a whole it would note what the first try has left. Its parts try again.
@changing_step("smoke-test")
def smoke_test(
    flight: Flight, checks: list[Check], before: list[ProbeResult]
) -> list[ProbeResult]:
    """Probe the application on the migrated database and judge it by the baseline.

    Raises:
        SmokeFailed: it answers wrongly, and answered rightly before.
        Inconclusive: nobody can tell; it was not reached, for example.
    """
    smoke = _smoke(flight)
    if smoke is None:
        return []
    current_claim().renew()
    read = partial(read_cell, flight.target)
    with (
        flight.report.phase("smoke test"),
        left_as_found(flight.target, smoke.leave_as_found),
        client_for(smoke) as client,
    ):
        results = list(run_probes(smoke, client, read))
        flight.report.probes = results
        publish_probes(flight.report)
        _log(results)
        _assert_good(flight, results, before)
    return results


def probe_before(smoke: Smoke) -> list[ProbeResult]:
    """The probes that work without the migration, each a few times."""
    with client_for(smoke) as client:
        return list(run_baseline(smoke, client))


def _smoke(flight: Flight) -> Smoke | None:
    smoke = flight.migration.manifest.smoke
    return smoke and expand(smoke, flight.target.plain_values)


def _assert_good(
    flight: Flight, results: list[ProbeResult], before: list[ProbeResult]
) -> None:
    off = "\n".join(
        f"{result.name}: {result.detail}"
        for result in results
        if result.verdict is not Verdict.PASS
    )
    match judge(results, before):
        case Verdict.FAIL:
            raise SmokeFailed(f"The smoke test failed:\n{off}")
        case Verdict.INCONCLUSIVE:
            version, target = flight.migration.version, flight.target.name
            raise Inconclusive(
                f"The smoke test is inconclusive:\n{off}",
                "The migration is in place. Repair what is wrong and run again, or take"
                f" it back: {command('rollback', version, target)}",
            )


def _log(results: list[ProbeResult]) -> None:
    log = run_log()
    for result in results:
        text = result.detail or f"{result.passes} consecutive passes"
        log.info("%s Probe: %s: %s", _MARKS[result.verdict], result.name, text)
