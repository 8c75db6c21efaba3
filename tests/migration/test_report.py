"""The report: how it is closed."""

import pytest

from flows.migration.outcome import Outcome
from flows.migration.report import Report


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
