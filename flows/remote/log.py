"""The log of a run and of the runs inside of it, read as it grows."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
    LogFilterTimestamp,
)
from prefect.client.schemas.objects import Log

WARNING = 30
PAGE = 200
LATE = timedelta(seconds=30)
"""Lines are sent in batches, from several processes: some come after younger ones."""

_ENGINES_OWN = ("Beginning ", "Created ", "Suspending flow run")
_NEVER = (
    # Each failure has been said before, by the step itself.
    "Finished in state ",
    "Task run failed with state",
    # A traceback of Prefect's about a file of its own, after a run that never began.
    "Runner failed to retrieve flow to execute",
)
_OF_THE_RUN = ("prefect.flow_runs", "prefect.task_runs")


class GrowingLog:
    """What was shown already is not shown again."""

    def __init__(self, client: SyncPrefectClient, run_id: UUID) -> None:
        self._client = client
        self._runs = [run_id]
        self._seen: set[UUID | None] = set()
        self._newest: datetime | None = None

    def fresh(self) -> Iterator[Log]:
        """Lines that came since the last call, the oldest first."""
        self._find_inner_runs()
        offset = 0
        while True:
            page = self._client.read_logs(self._filter(), limit=PAGE, offset=offset)
            for line in page:
                if line.id not in self._seen:
                    self._seen.add(line.id)
                    if _is_worth_it(line):
                        yield line
            if len(page) < PAGE:
                break
            offset += PAGE
        if page:
            self._newest = page[-1].timestamp

    def _find_inner_runs(self) -> None:
        """A rollback is a run of its own inside of the deployment's."""
        inside = FlowRunFilter(
            parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=self._runs)
        )
        for run in self._client.read_flow_runs(flow_run_filter=inside):
            if run.id not in self._runs:
                self._runs.append(run.id)

    def _filter(self) -> LogFilter:
        after = self._newest - LATE if self._newest else None
        return LogFilter(
            flow_run_id=LogFilterFlowRunId(any_=list(self._runs)),
            timestamp=LogFilterTimestamp.model_validate({"after_": after}),
        )


def _is_worth_it(line: Log) -> bool:
    """Prefect's own housekeeping is left out, its warnings are not."""
    if "flows.tasks.landing.Landed" in line.message:
        # The engine's traceback of a run that ended as it was meant to.
        return False
    if line.message.startswith(_NEVER):
        return False
    is_ours = line.name in _OF_THE_RUN and not line.message.startswith(_ENGINES_OWN)
    return is_ours or line.level >= WARNING
