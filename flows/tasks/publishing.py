"""Artifacts, published as the run goes; a run never waits long for one.

An artifact's call blocks for over a minute when Prefect's API is away (measured 77 s).
"""

from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import TypeVar
from uuid import UUID

from prefect import get_client
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectHTTPStatusError

from flows.migration.plan import Plan
from flows.migration.progress import Progress
from flows.migration.redaction import mask, masked_model
from flows.migration.report import Report
from flows.migration.state_name import REPORT_KEY
from flows.tasks.engine import is_away, run_log

PATIENCE_S = 5.0

Result = TypeVar("Result")


def publish_plan(plan: Plan) -> None:
    """The plan as a page of the run."""
    _in_time(
        lambda: create_markdown_artifact(
            masked_model(plan).as_markdown(),
            key=_key(f"plan-{plan.version}"),
            description=f"What deploying {plan.version} does, step by step",
        )
    )


def carry(report: Report) -> None:
    """Leave the whole report with its run, for who follows it from another machine.

    The state's own data is not stored: results are not persisted.
    """
    context = FlowRunContext.get()
    if context and context.flow_run:
        run_id = context.flow_run.id
        _in_time(lambda: _leave(run_id, report))


def _leave(run_id: UUID, report: Report) -> UUID:
    value = masked_model(report).model_dump_json()
    with get_client(sync_client=True) as client:
        # A run that was suspended or retried has left one already.
        with suppress(PrefectHTTPStatusError):
            client.delete_flow_run_input(run_id, REPORT_KEY)
        client.create_flow_run_input(run_id, REPORT_KEY, value)
    return run_id


class ProgressBar:
    """One progress artifact for each long step, moved as the step goes on."""

    def __init__(self) -> None:
        self._artifacts: dict[str, UUID | None] = {}

    def show(self, progress: Progress) -> None:
        """Move the step's bar; after a failure there is none any more."""
        percent = progress.share * 100
        if progress.subject not in self._artifacts:
            self._artifacts[progress.subject] = _in_time(
                lambda: create_progress_artifact(
                    percent, key="progress", description=mask(progress.subject)
                )
            )
            return
        artifact = self._artifacts[progress.subject]
        if artifact:
            moved = _in_time(lambda: _move(artifact, percent))
            self._artifacts[progress.subject] = moved


def _move(artifact: UUID, percent: float) -> UUID:
    update_progress_artifact(artifact, progress=percent)
    return artifact


def _in_time(publish: Callable[[], object]) -> UUID | None:
    """What it returned; None if it failed, or takes longer than anybody should wait."""
    if is_away():
        return None
    done: list[object] = []
    context = copy_context()
    # A daemon: a call that hangs must not keep the process from ending.
    thread = Thread(
        target=lambda: done.append(context.run(publish)),
        name="pgflight-artifact",
        daemon=True,
    )
    thread.start()
    thread.join(PATIENCE_S)
    found = done[0] if done else None
    if found is None:
        run_log().warning("An artifact could not be published; going on")
    return found if isinstance(found, UUID) else None


def _key(text: str) -> str:
    """Prefect takes lower-case letters, digits and dashes."""
    return "".join(c if c.isalnum() else "-" for c in text.lower())
