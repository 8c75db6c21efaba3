"""How a run elsewhere ended: its outcome, and the report where it was left."""

from datetime import UTC, datetime

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import PrefectHTTPStatusError
from pydantic import ValidationError

from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.migration.state_name import REPORT_KEY, outcome_named

LEFT = (
    "What it has left in the database, if anything, is brought to its end by the"
    " deployment recover-migrations, or by `pgflight recover`"
)


def report_of(client: SyncPrefectClient, run: FlowRun, action: str) -> Report:
    """The report of a run that is over.

    The state's name has the last word: a run that was tried again may still have the
    report of its first try. A run that did not come to an end of its own is UNKNOWN,
    unless it never began or left a report on its way out.

    Args:
        action: deploy, rollback, verify or recover.
    """
    state = run.state
    assert state
    outcome = outcome_named(state.name or "")
    left = _left_with(client, run)
    if left and outcome == left.outcome:
        return left
    if left and outcome is None and _is_of_the_last_try(client, run, left):
        return left
    made = Report(
        action=action,
        version=str(run.parameters.get("migration") or ""),
        run_id=str(run.id),
        started_at=run.start_time or datetime.now(UTC),
    )
    if outcome is None:
        outcome, sentence = _of_prefects_own(run, state)
        made.errors.append(sentence)
    return made.conclude(outcome)


def _left_with(client: SyncPrefectClient, run: FlowRun) -> Report | None:
    try:
        text = client.read_flow_run_input(run.id, REPORT_KEY)
        return Report.model_validate_json(text)
    except (httpx.TransportError, PrefectHTTPStatusError, ValidationError):
        return None


def _is_of_the_last_try(
    client: SyncPrefectClient, run: FlowRun, report: Report
) -> bool:
    try:
        states = client.read_flow_run_states(run.id)
    except (httpx.TransportError, PrefectHTTPStatusError):
        return False
    began = [state.timestamp for state in states if state.is_running()]
    ended = report.ended_at
    return bool(began) and ended is not None and ended >= max(began)


def _of_prefects_own(run: FlowRun, state: State) -> tuple[Outcome, str]:
    said = f"{state.name}: {state.message}" if state.message else str(state.name)
    if state.type is StateType.FAILED and "never resumed" in (state.message or ""):
        return Outcome.BLOCKED, "Nobody approved it in time; nothing was written"
    if run.start_time is None:
        return Outcome.BLOCKED, f"The run never began ({said}); nothing was written"
    return Outcome.UNKNOWN, f"The run did not come to its own end ({said}). {LEFT}"
