"""How a flight ends: its state in Prefect, and what a person is told to type."""

from uuid import uuid4

import pytest
from prefect.client.schemas.objects import StateType

from flows.database.unfinished import Unfinished
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.targets import aiming
from flows.tasks.landing import name_waiting, state_of

ACTIONS = ("deploy", "rollback", "restore", "verify", "recover")
WELL = (Outcome.DEPLOYED, Outcome.NOTHING_TO_DO, Outcome.RESTORED)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("outcome", Outcome)
def test_only_what_was_asked_for_is_completed(action: str, outcome: Outcome) -> None:
    """`prefect deployment run --watch` exits with 0 for that type of state alone."""
    report = Report(action=action, version="008", run_id="1").conclude(outcome)
    is_asked_for = (action, outcome) == ("rollback", Outcome.ROLLED_BACK)
    is_well = outcome in WELL or is_asked_for
    expected = StateType.COMPLETED if is_well else StateType.FAILED
    assert state_of(report).type is expected
    assert (report.exit_code == 0) is is_well


def test_busy_is_cancelled() -> None:
    """As Prefect's own limits do it: no success, and nothing that failed."""
    report = Report(action="deploy", version="008", run_id="1", is_busy=True)
    state = state_of(report.conclude(Outcome.BLOCKED))
    assert (state.type, state.name) == (StateType.CANCELLED, "Busy")


def test_what_waits_is_decided_on_its_own_target() -> None:
    report = Report(action="recover", version="", run_id="1")
    run = Unfinished(uuid4(), "008", "applied", None, Outcome.NEEDS_DECISION)
    with aiming("staging"):
        name_waiting(report, [run])
    assert "`pgflight deploy 008 --target staging` tries it again" in report.errors[0]
    assert "`pgflight rollback 008 --target staging` takes it" in report.errors[0]
