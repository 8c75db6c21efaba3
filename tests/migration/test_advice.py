"""Advice: for each outcome the next command to type."""

import pytest

from flows.migration.advice import left_to_do, meaning
from flows.migration.check import Check
from flows.migration.finding import Finding, Level
from flows.migration.outcome import Outcome
from flows.migration.report import Conflict, Report, Restored


def ended(outcome: Outcome, action: str = "deploy") -> Report:
    return Report(action=action, version="008", run_id="1").conclude(outcome)


def commands(report: Report) -> list[str]:
    return [advice.command for advice in left_to_do(report)]


@pytest.mark.parametrize(
    ("action", "outcome", "typed"),
    [
        ("deploy", Outcome.DEPLOYED, []),
        ("deploy", Outcome.NOTHING_TO_DO, []),
        ("deploy", Outcome.BLOCKED, ["pgflight deploy 008"]),
        ("deploy", Outcome.ROLLED_BACK, ["pgflight deploy 008"]),
        (
            "deploy",
            Outcome.ROLLBACK_FAILED,
            ["pgflight status", "pgflight rollback 008"],
        ),
        (
            "deploy",
            Outcome.NEEDS_DECISION,
            ["pgflight deploy 008", "pgflight rollback 008"],
        ),
        ("deploy", Outcome.UNKNOWN, ["pgflight recover"]),
        ("rollback", Outcome.ROLLED_BACK, []),
        ("rollback", Outcome.BLOCKED, ["pgflight rollback 008"]),
        ("rollback", Outcome.UNKNOWN, ["pgflight recover"]),
        (
            "rollback",
            Outcome.ROLLBACK_FAILED,
            ["pgflight status", "pgflight rollback 008"],
        ),
        ("restore", Outcome.RESTORED, []),
        ("restore", Outcome.NEEDS_DECISION, ["pgflight restore 008"]),
        ("verify", Outcome.NOTHING_TO_DO, []),
        ("verify", Outcome.BLOCKED, ["pgflight verify 008"]),
        (
            "verify",
            Outcome.NEEDS_DECISION,
            ["pgflight verify 008", "pgflight rollback 008"],
        ),
        ("recover", Outcome.NOTHING_TO_DO, []),
        ("recover", Outcome.BLOCKED, ["pgflight recover"]),
    ],
)
def test_next_command(action: str, outcome: Outcome, typed: list[str]) -> None:
    assert commands(ended(outcome, action)) == typed


@pytest.mark.parametrize(
    "action", ["deploy", "rollback", "restore", "verify", "recover"]
)
@pytest.mark.parametrize("outcome", Outcome)
def test_every_end_has_words(action: str, outcome: Outcome) -> None:
    report = ended(outcome, action)
    assert meaning(report)
    assert report.is_success or left_to_do(report)


def test_recovery_says_what_is_left_of_each() -> None:
    report = ended(Outcome.NEEDS_DECISION, "recover")
    report.recovered = [ended(Outcome.DEPLOYED), ended(Outcome.NEEDS_DECISION)]
    assert commands(report) == ["pgflight deploy 008", "pgflight rollback 008"]


def test_deployment_that_left_something_saved_says_so() -> None:
    report = ended(Outcome.DEPLOYED)
    conflict = Conflict(reason="the row is gone", rows=1, first_keys=[])
    kept = Restored(table="t", column="c", rows=0, conflicts=[conflict])
    report.restored = [kept]
    assert commands(report) == ["pgflight restore 008"]


def test_command_goes_to_the_same_target() -> None:
    """Typed where another one is the environment's own, it must not go there."""
    report = ended(Outcome.ROLLBACK_FAILED)
    report.target_name = "prod"
    assert commands(report) == [
        "pgflight status --target prod",
        "pgflight rollback 008 --target prod",
    ]
    recovery = ended(Outcome.ROLLBACK_FAILED, "recover")
    recovery.target_name, recovery.recovered = "prod", [ended(Outcome.ROLLBACK_FAILED)]
    assert commands(recovery) == commands(report)


def test_mistyped_name_is_no_command_of_its_own() -> None:
    report = ended(Outcome.BLOCKED)
    report.version = "008; rm -rf x"
    assert commands(report) == ["pgflight deploy '008; rm -rf x'"]


def test_nightly_verification_says_what_is_left_of_each() -> None:
    report = ended(Outcome.NEEDS_DECISION, "verify")
    report.version, report.verified = "", [ended(Outcome.NEEDS_DECISION, "verify")]
    report.target_name, report.errors = "prod", ["008: no index"]
    assert commands(report) == [
        "pgflight verify 008 --target prod",
        "pgflight rollback 008 --target prod",
    ]


def test_rollback_that_found_something_says_so() -> None:
    report = ended(Outcome.ROLLED_BACK, "rollback")
    report.errors = ["After the rollback: me: status 500"]
    assert left_to_do(report)


def test_full_disk_says_how_much_there_is() -> None:
    report = ended(Outcome.ROLLED_BACK)
    report.errors.append("up.sql:3:1: could not extend file (SQLSTATE 53100)")
    size = "platform.users: about 10,000 rows, 5.1 MiB with indexes"
    report.findings.append(Finding(level=Level.INFO, rule="size", message=size))
    (advice,) = left_to_do(report)
    assert advice.command == "pgflight deploy 008"
    assert size in advice.what


@pytest.mark.parametrize("signal", [KeyboardInterrupt(), SystemExit(1)])
def test_of_what_was_cancelled_nothing_is_wrong(signal: BaseException) -> None:
    report = Report(action="deploy", version="008", run_id="1")
    report.add_error(signal)
    assert report.errors == ["It was cancelled, or its process was told to stop"]
    (advice,) = left_to_do(report.conclude(Outcome.ROLLED_BACK))
    assert str(advice) == "pgflight deploy 008  (if it is still wanted)"


def test_what_passed_with_a_warning_is_left_to_look_at() -> None:
    late = Check(kind="replica", subject="db2", detail="is late", is_warning=True)
    report = ended(Outcome.DEPLOYED)
    report.checks = [late, Check(kind="column", subject="t.c")]
    assert [advice.what for advice in left_to_do(report)] == ["replica db2: is late"]
