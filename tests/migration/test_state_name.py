"""The names of states: an outcome each, and back again."""

from uuid import uuid4

from flows.migration.errors import Blocked, Busy
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.migration.state_name import (
    BUSY,
    MOST_TOLD,
    message_of,
    name_of,
    outcome_named,
)


def ended(outcome: Outcome, *errors: Exception) -> Report:
    report = Report(action="deploy", version="008", run_id=str(uuid4()))
    for error in errors:
        report.add_error(error)
    return report.conclude(outcome)


def test_every_outcome_has_a_name_of_its_own() -> None:
    names = {outcome: name_of(ended(outcome)) for outcome in Outcome}
    assert len(set(names.values())) == len(Outcome)
    assert {outcome_named(name) for name in names.values()} == set(Outcome)


def test_busy_is_told_from_blocked() -> None:
    assert name_of(ended(Outcome.BLOCKED, Busy("somebody is at work"))) == BUSY
    assert name_of(ended(Outcome.BLOCKED, Blocked("on hold"))) == "Blocked"
    assert outcome_named(BUSY) is Outcome.BLOCKED


def test_names_of_prefects_own_are_no_outcome() -> None:
    assert {outcome_named(n) for n in ("Crashed", "Cancelled", "Failed")} == {None}


def test_message_is_the_summary_and_then_where_and_why() -> None:
    report = ended(Outcome.ROLLED_BACK, Blocked("member: status 500"))
    report.target_name = "staging"
    told = message_of(report).splitlines()
    assert told == [report.summary, "staging: member: status 500"]
    assert "008" in report.summary


def test_message_of_a_success_is_its_summary() -> None:
    report = ended(Outcome.DEPLOYED, Blocked("left: 3 rows"))
    assert message_of(report) == report.summary


def test_message_is_no_longer_than_a_notification() -> None:
    report = ended(Outcome.BLOCKED, Blocked("x" * 9_000))
    assert len(message_of(report)) == MOST_TOLD
