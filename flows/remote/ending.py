"""How a run elsewhere ended: its outcome, and the report where it was left."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from pydantic import ValidationError

from flows.migration.command import command
from flows.migration.outcome import Outcome
from flows.migration.parameters import BlockReference, reference_in
from flows.migration.report import Report
from flows.migration.state_name import REPORT_KEY, outcome_named

_STEP = re.compile(r"Executing deployment step: (\w+)")


def report_of(client: SyncPrefectClient, run: FlowRun, action: str) -> Report:
    """The report of a run that is over.

    The state's name has the last word: a run that was tried again may still have the
    report of its first try. A run that did not come to an end of its own is UNKNOWN,
    unless it never began, only asked for an approval, or left a report on its way out.

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
    made = _made(client, run, action)
    if outcome is None:
        outcome, sentence = _of_prefects_own(client, run, state, made.target_name)
        made.errors.append(sentence)
    return made.conclude(outcome)


def report_of_deleted(client: SyncPrefectClient, run: FlowRun, action: str) -> Report:
    """The report of a run that Prefect does not know any more: UNKNOWN.

    Args:
        run: as it was when it was started.
    """
    made = _made(client, run, action)
    status = command("status", target=made.target_name)
    made.errors.append(
        "The run was deleted in Prefect while it was followed; that stops nothing."
        f" `{status}` shows what the database holds. {_left_by_it(made.target_name)}"
    )
    return made.conclude(Outcome.UNKNOWN)


def _made(client: SyncPrefectClient, run: FlowRun, action: str) -> Report:
    return Report(
        action=action,
        version=str(run.parameters.get("migration") or ""),
        run_id=str(run.id),
        target_name=_target_name(client, run.parameters.get("target")),
        started_at=run.start_time or datetime.now(UTC),
    )


def _target_name(client: SyncPrefectClient, choice: Any) -> str:
    """The name that the run was given; empty for the worker's own environment."""
    found = reference_in(choice)
    if not isinstance(found, BlockReference):
        return str(found or "")
    if found.key == "block_document_slug":
        return found.value.rpartition("/")[2]
    try:
        return client.read_block_document(UUID(found.value)).name or ""
    except (ObjectNotFound, httpx.TransportError, PrefectHTTPStatusError, ValueError):
        return ""


def _left_by_it(target: str) -> str:
    return (
        "What it has left in the database, if anything, is brought to its end by the"
        f" deployment recover-migrations, or by `{command('recover', target=target)}`"
    )


def _left_with(client: SyncPrefectClient, run: FlowRun) -> Report | None:
    try:
        text = client.read_flow_run_input(run.id, REPORT_KEY)
        return Report.model_validate_json(text)
    except (httpx.TransportError, PrefectHTTPStatusError, ValidationError):
        return None


def _is_of_the_last_try(
    client: SyncPrefectClient, run: FlowRun, report: Report
) -> bool:
    began = _began(client, run)
    ended = report.ended_at
    return bool(began) and ended is not None and ended >= max(began)


def _history(client: SyncPrefectClient, run: FlowRun) -> list[State]:
    """The states that it was in, the first one first; none where nobody can say."""
    try:
        states = client.read_flow_run_states(run.id)
    except (httpx.TransportError, PrefectHTTPStatusError):
        return []
    return sorted(states, key=lambda state: state.timestamp)


def _has_only_asked(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Whether it came each time to the question for an approval, and never further.

    A run that somebody else suspends goes on with what it is at: its state waits for no
    answer.
    """
    history = _history(client, run)
    followed = [after for state, after in pairwise(history) if state.is_running()]
    return bool(followed) and all(
        state.is_paused() and state.state_details.run_input_keyset for state in followed
    )


def _began(client: SyncPrefectClient, run: FlowRun) -> list[datetime]:
    """Each time that its flow began; Prefect has that before the flow's first line."""
    states = _history(client, run)
    if not states:
        # Nobody knows, so it may have.
        return [run.start_time] if run.start_time else []
    return [state.timestamp for state in states if state.is_running()]


def _of_prefects_own(
    client: SyncPrefectClient, run: FlowRun, state: State, target: str
) -> tuple[Outcome, str]:
    said = f"{state.name}: {state.message}" if state.message else str(state.name)
    if state.type is StateType.FAILED and "never resumed" in (state.message or ""):
        return Outcome.BLOCKED, "Nobody approved it in time; nothing was written"
    if not _began(client, run):
        obstacle = _obstacle(client, run)
        sentence = f"The run never began ({said}); nothing was written{obstacle}"
        return Outcome.BLOCKED, sentence
    if _has_only_asked(client, run):
        sentence = f"{state.name} while it waited for an approval; nothing was written"
        return Outcome.BLOCKED, sentence
    left = _left_by_it(target)
    return Outcome.UNKNOWN, f"The run did not come to its own end ({said}). {left}"


def _obstacle(client: SyncPrefectClient, run: FlowRun) -> str:
    """What its log and its deployment say about why a run never began.

    The log of such a run has no reason: only which step of the deployment was begun.
    """
    if run.deployment_id is None:
        return ""
    asked = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
    try:
        text = "\n".join(line.message for line in client.read_logs(asked))
        steps = client.read_deployment(run.deployment_id).pull_steps or []
    except (ObjectNotFound, httpx.TransportError, PrefectHTTPStatusError):
        return ""
    begun = _STEP.findall(text)
    if not begun or begun[-1] != "set_working_directory":
        return ""
    folders = [
        str(arguments.get("directory"))
        for step in steps
        for name, arguments in step.items()
        if name.endswith(".set_working_directory")
    ]
    return (
        f". It is to start in {' and '.join(folders)}: its worker must have that"
        " folder, or the deployment's pull section must say another"
    )
