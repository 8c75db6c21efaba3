"""The gate between plan and apply, as a suspended run: what an answer is good for."""

from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.flow_runs import resume_flow_run
from prefect.states import AwaitingRetry, Failed

from flows.demo.world import World
from tests.fix_flight import Edit
from tests.fix_migrations import state_in_ledger


class Asking:
    """A deployment's run that asks for an approval, without a worker."""

    def __init__(self, folder: Path, database: str) -> None:
        from flows.deploy import deploy_migration

        self._database = database
        self._flow = deploy_migration
        self._given = {"migration": "008", "approval": True, "folder": str(folder)}
        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(
                client.create_flow(deploy_migration), "asking"
            )
            self._id = client.create_flow_run_from_deployment(deployment).id

    def begin(self) -> str:
        """From the top, as a worker's process does it; the name of the state then."""
        with suppress(Pause):
            run_flow(self._flow, self._read(), self._given, return_type="state")
        state = self._read().state
        assert state and state.name
        return state.name

    def end_in_vain(self) -> None:
        """As Prefect's server ends a run that nobody has answered in time."""
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(self._id, Failed(), force=True)

    def answer(self, decision: str) -> None:
        given = {"decision": decision, "approver": "Ann", "target": self._database}
        resume_flow_run(self._id, run_input=given)

    def retry(self) -> None:
        """The Retry button."""
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(self._id, AwaitingRetry())

    def _read(self) -> FlowRun:
        with get_client(sync_client=True) as client:
            return client.read_flow_run(self._id)


@pytest.fixture
def asking(prefect: None, target: None, folder: Path, world: World) -> Asking:
    """It is planned, and suspended."""
    asking = Asking(folder, world.database)
    assert asking.begin() == "Suspended"
    return asking


def test_what_was_approved_is_deployed(
    asking: Asking, owner: psycopg.Connection
) -> None:
    asking.answer("approve")
    assert asking.begin() == "Deployed"
    assert state_in_ledger(owner) == "accepted"


def test_what_has_changed_since_is_asked_for_anew(
    asking: Asking, append: Edit, owner: psycopg.Connection
) -> None:
    asking.answer("approve")
    append("up.sql", "SELECT 1;")
    assert asking.begin() == "Suspended"
    assert state_in_ledger(owner) is None


def test_answer_is_good_once(asking: Asking, owner: psycopg.Connection) -> None:
    """Prefect keeps it, and would find it again weeks later."""
    asking.answer("decline")
    assert asking.begin() == "Blocked"
    asking.retry()
    assert asking.begin() == "Suspended"
    assert_waits(owner)
    asking.answer("approve")
    assert asking.begin() == "Deployed"


def test_run_that_nobody_answered_is_asked_for_anew(
    asking: Asking, owner: psycopg.Connection
) -> None:
    asking.end_in_vain()
    asking.retry()
    assert asking.begin() == "Suspended"
    assert_waits(owner)


def assert_waits(owner: psycopg.Connection) -> None:
    """By the ledger, too: Prefect has a run suspended before it writes the form."""
    kinds = "SELECT kind FROM pgflight.event ORDER BY id DESC LIMIT 1"
    assert owner.execute(kinds).fetchone() == ("suspended",)
