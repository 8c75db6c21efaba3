"""The report: how it is closed."""

import pytest

from flows.migration.outcome import Outcome
from flows.migration.report import LockHeld, Report, Waits


def closed_with(rollback: Outcome) -> Outcome | None:
    failed = Report(action="deploy", version="008", run_id="1")
    taken_back = Report(action="rollback", version="008", run_id="2", outcome=rollback)
    return failed.take_back(taken_back).outcome


@pytest.mark.parametrize(
    "outcome", [Outcome.ROLLED_BACK, Outcome.NEEDS_DECISION, Outcome.UNKNOWN]
)
def test_report_believes_its_rollback(outcome: Outcome) -> None:
    assert closed_with(outcome) is outcome


@pytest.mark.parametrize("outcome", [Outcome.BLOCKED, Outcome.ROLLBACK_FAILED])
def test_rollback_that_did_not_happen_has_failed(outcome: Outcome) -> None:
    assert closed_with(outcome) is Outcome.ROLLBACK_FAILED


def test_step_is_placed_in_the_run() -> None:
    report = Report(action="deploy", version="008", run_id="1")
    with report.phase("first"):
        pass
    with pytest.raises(ValueError, match="in the middle"), report.phase("second"):
        raise ValueError("in the middle")
    first, second = report.phases
    assert (first.name, second.name) == ("first", "second")
    assert 0 <= first.at_ms <= first.at_ms + first.seconds * 1_000 <= second.at_ms


def test_of_attempts_in_vain_the_longest_lock_counts() -> None:
    def held(held_ms: float) -> LockHeld:
        return LockHeld(table="t", mode="SHARE", blocks="writes", held_ms=held_ms)

    report = Report(action="deploy", version="008", run_id="1")
    for held_ms in (1, 3, 2):
        report.add_in_vain(Waits(sessions=1, longest_ms=held_ms), [held(held_ms)])
    assert [lock.held_ms for lock in report.locks_in_vain] == [3]
    assert report.waits_in_vain.sessions == 3
