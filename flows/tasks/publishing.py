"""Artifacts, published as the run goes; a run never waits long for one.

An artifact's call blocks for over a minute when Prefect's API is away (measured 77 s).
So pages are published aside, and waited for only when the run is over.
"""

import time
from collections.abc import Callable
from contextlib import suppress
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
from flows.migration.report_page import (
    checks_page,
    findings_page,
    locks_page,
    probes_page,
    report_page,
)
from flows.migration.state_name import REPORT_KEY
from flows.targets import name_aimed_at
from flows.tasks.call import Call
from flows.tasks.engine import is_away, run_log

PATIENCE_S = 5.0
"""For all pages of a run together, once it is over."""

_under_way: list[Call] = []


def publish_findings(report: Report) -> None:
    """What preflight has found."""
    _publish("preflight", report, findings_page, "What preflight has found")


def publish_plan(report: Report, plan: Plan) -> None:
    """What will be done, step by step."""
    page = masked_model(plan).as_markdown
    _publish("plan", report, lambda _: page(), "What it does, step by step")


def publish_locks(report: Report) -> None:
    """What users felt; also of what came to nothing, if it had any lock."""
    if report.applied or report.locks_in_vain or report.waits_in_vain.samples:
        _publish("locks", report, locks_page, "What users felt, lock by lock")


def publish_checks(report: Report) -> None:
    """What is in place, held against what was promised."""
    if report.checks:
        _publish("checks", report, checks_page, "Each check and its verdict")


def publish_probes(report: Report) -> None:
    """What the application answers, first before and then after."""
    kind = "probes" if report.probes else "baseline"
    _publish(kind, report, probes_page, "What the application answers")


def publish_report(report: Report) -> None:
    """The whole story, when the run is over; waits for all that was published."""
    if not is_away():
        _publish("report", report, report_page, report.summary)
        finish_publishing()


def finish_publishing() -> None:
    """Wait for what is still under way, together no longer than for one."""
    deadline = time.monotonic() + PATIENCE_S
    calls = _under_way[:]
    _under_way.clear()
    for call in calls:
        call.join(max(0.0, deadline - time.monotonic()))
    lacking = sum(not call.is_done for call in calls)
    if lacking:
        run_log().warning("%s artifacts could not be published", lacking)


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


def _publish(
    kind: str, report: Report, page_of: Callable[[Report], str], description: str
) -> None:
    """A page of its own for each kind, migration and action, with a history."""
    if is_away():
        return
    try:
        # Here, because the report goes on being filled in.
        page = page_of(masked_model(report))
    except Exception:
        run_log().exception("A mistake in pgflight itself, in the page %s:", kind)
        return
    key = key_of(kind, report)
    about = mask(f"{description} ({report.target})" if report.target else description)
    call = Call(lambda: create_markdown_artifact(page, key=key, description=about))
    _under_way.append(call)


def _in_time(publish: Callable[[], object]) -> UUID | None:
    """What it returned; None if it failed, or takes longer than anybody should wait."""
    if is_away():
        return None
    call = Call(publish)
    call.join(PATIENCE_S)
    if not call.is_done:
        run_log().warning("An artifact could not be published; going on")
    return call.found if isinstance(call.found, UUID) else None


def key_of(kind: str, report: Report) -> str:
    """What the page of this kind is called in Prefect; of each target another one."""
    action = "" if report.action == "deploy" else f"{report.action}-"
    return _key(f"{kind}-{action}{report.version}-{name_aimed_at()}")


def _key(text: str) -> str:
    """Prefect takes lower-case letters, digits and dashes."""
    safe = (c if c.isascii() and c.isalnum() else "-" for c in text.lower())
    return "".join(safe).strip("-")
