"""Runs that begin late: no worker was there, or the pool was paused.

All that Prefect has planned meanwhile begins at once when a worker comes back.
"""

from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext

from flows.migration import lateness
from flows.migration.errors import Blocked
from flows.tasks.call import Call
from flows.tasks.engine import is_away, run_log

IN_TIME = timedelta(minutes=1)
PATIENCE_S = 5.0
_LOOKS = [
    StateType.SCHEDULED,
    StateType.PENDING,
    StateType.RUNNING,
    StateType.COMPLETED,
]


def assert_in_time(most_minutes: float) -> None:
    """A run that was to begin long ago does not begin.

    Raises:
        Blocked: it begins later than that.
    """
    run = _planned()
    if run is None or run.expected_start_time is None:
        return
    try:
        lateness.assert_in_time(
            run.expected_start_time, datetime.now(UTC), most_minutes
        )
    except Blocked as late:
        run_log().error("❌ %s", late)
        raise


def is_overtaken() -> bool:
    """Whether this run is late, and a younger one of the same does its work."""
    run = _planned()
    if run is None or run.expected_start_time is None:
        return False
    if datetime.now(UTC) - run.expected_start_time < IN_TIME:
        return False
    call = Call(lambda: _has_younger(run))
    call.join(PATIENCE_S)
    if call.found:
        run_log().info("✅ Late; a younger run looks, or has looked")
    return bool(call.found)


def _planned() -> FlowRun | None:
    """The run, where it begins as planned: no subflow, no Retry, no Resume."""
    context = None if is_away() else FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or run.deployment_id is None or run.run_count > 1:
        return None
    return run


def _has_younger(run: FlowRun) -> bool:
    assert run.deployment_id
    since = FlowRunFilterExpectedStartTime(after_=run.expected_start_time)
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=_LOOKS))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            deployment_filter=DeploymentFilter(
                id=DeploymentFilterId(any_=[run.deployment_id])
            ),
            flow_run_filter=FlowRunFilter(expected_start_time=since, state=state),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        )
    same = [other for other in found if other.parameters == run.parameters]
    return any(_is_younger(other, run) for other in same)


def _is_younger(other: FlowRun, run: FlowRun) -> bool:
    """Whether it is due, and later; of two that are due at once one has to look."""
    planned, own = other.expected_start_time, run.expected_start_time
    if planned is None or own is None or planned > datetime.now(UTC):
        return False
    return (planned, str(other.id)) > (own, str(run.id))
