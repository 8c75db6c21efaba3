"""How a run elsewhere ended, where it could not say so itself."""

import io
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import LogCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelled, Crashed, Pending, Running, Suspended
from pydantic import SecretStr
from rich.console import Console

from flows.migration.advice import left_to_do
from flows.migration.outcome import Outcome
from flows.remote.command import Following, run_remotely
from flows.remote.ending import report_of
from flows.remote.log import GrowingLog
from flows.remote.start import Wanted
from tests.remote.conftest import ended


def say(client: SyncPrefectClient, run: FlowRun, text: str, level: int = 20) -> None:
    line = {
        "name": "prefect.flow_runs",
        "level": level,
        "message": text,
        "timestamp": datetime.now(UTC),
        "flow_run_id": run.id,
    }
    client.create_logs([LogCreate.model_validate(line)])


def test_crash_before_the_flow_began_is_blocked_and_names_the_folder(
    client: SyncPrefectClient,
) -> None:
    """Prefect's log of a folder that the worker lacks says nothing but the step."""
    run = ended(client, Pending(), Crashed(message="Process exited"))
    assert run.start_time
    say(client, run, "Executing deployment step: set_working_directory")
    report = report_of(client, run, "deploy")
    assert report.outcome is Outcome.BLOCKED
    assert "The run never began (Crashed: Process exited); nothing" in report.errors[0]
    assert "/gone: its worker must have that folder" in report.errors[0]


def test_crash_of_a_flow_that_began_is_unknown(client: SyncPrefectClient) -> None:
    """Also where Prefect has no task of it: those are told by events, and get lost."""
    run = ended(client, Pending(), Running(), Crashed(), target="staging")
    report = report_of(client, run, "deploy")
    assert report.outcome is Outcome.UNKNOWN
    assert "`pgflight recover --target staging`" in report.errors[0]
    assert left_to_do(report)[0].command == "pgflight recover --target staging"


def waiting(question: str | None = "008-0") -> State[Any]:
    """Suspended: by the flow itself, for an answer, or by somebody else."""
    state: State[Any] = Suspended(timeout_seconds=60, pause_key=question)
    if question:
        keys = {"schema": "s", "response": "r", "description": "d"}
        state.state_details.run_input_keyset = keys
    return state


def test_cancelled_while_it_waited_for_an_approval_is_blocked(
    client: SyncPrefectClient,
) -> None:
    asked: tuple[State[Any], ...] = (Pending(), Running(), waiting())
    run = ended(client, *asked, *asked, Cancelled())
    report = report_of(client, run, "deploy")
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert report.errors == [
        "Cancelled while it waited for an approval; nothing was written"
    ]


@pytest.mark.parametrize(
    "states",
    [
        (Running(), waiting(), Running(), Cancelled()),
        (Running(), Crashed(), Running(), waiting(), Cancelled()),
        (Running(), waiting(None), Cancelled()),
    ],
    ids=["approved", "tried before", "suspended by somebody"],
)
def test_cancelled_where_more_was_done_than_asking_is_unknown(
    client: SyncPrefectClient, states: tuple[State[Any], ...]
) -> None:
    run = ended(client, *states)
    assert report_of(client, run, "deploy").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("key", ["block_document_slug", "block_document_id"])
def test_target_from_the_list_is_named(client: SyncPrefectClient, key: str) -> None:
    from flows.target_block import PostgresTarget

    name = f"b{uuid4().hex}"
    block = PostgresTarget(database_url=SecretStr("service=nowhere")).save(name)
    value = f"postgres-target/{name}" if key == "block_document_slug" else block
    given = f'{{"$ref": {{"{key}": "{value}"}}}}'
    run = ended(client, Running(), Crashed(), target=given)
    assert report_of(client, run, "deploy").target_name == name


class Deleting(io.StringIO):
    """A console's file that deletes the run as soon as it is said to be scheduled."""

    def __init__(self, client: SyncPrefectClient) -> None:
        super().__init__()
        self._client = client

    def write(self, text: str) -> int:
        if "is Scheduled" in text:
            (run,) = self._client.read_flow_runs(
                limit=1, sort=FlowRunSort.START_TIME_DESC
            )
            self._client.delete_flow_run(run.id)
        return super().write(text)


def test_deleted_run_is_unknown(client: SyncPrefectClient) -> None:
    """Deleting a run stops nothing, so "refused" and "nothing written" are guesses."""
    console = Console(file=Deleting(client), width=500)
    wanted = Wanted(
        "deploy-migration/production", {"migration": "008", "target": "bad"}
    )
    result = run_remotely(console, wanted, Following(True))
    assert result.exit_code == 50
    assert result.report
    assert "`pgflight status --target bad`" in result.report.errors[0]
    assert left_to_do(result.report)[0].command == "pgflight recover --target bad"


@pytest.mark.parametrize(
    "text",
    [
        "Task run failed with state: Failed('no')\nNoneType: None",
        "Finished in state Failed('no')",
        "Runner failed to retrieve flow to execute on_crashed hooks for flow run x",
    ],
)
def test_failure_is_shown_once(client: SyncPrefectClient, text: str) -> None:
    run = ended(client)
    say(client, run, "❌ no", level=40)
    say(client, run, text, level=40)
    shown = [line.message for line in GrowingLog(client, run.id).fresh()]
    assert shown == ["❌ no"]
