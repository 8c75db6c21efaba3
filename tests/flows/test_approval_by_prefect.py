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

from flows import deploy
from flows.demo.world import World
from tests.fix_flight import Edit
from tests.fix_migrations import state_in_ledger

FORCED = [True, False]
"""Retry in Prefect's newer UI and on its command line; and in its older UI."""


class Asking:
    """A deployment's run that asks for an approval, without a worker."""

    def __init__(self, folder: Path, database: str) -> None:
        self._database = database
        self._given = {"migration": "008", "approval": True, "folder": str(folder)}
        with get_client(sync_client=True) as client:
            flow = client.create_flow(deploy.deploy_migration)
            made = client.create_deployment(flow, "asking")
            self._id = client.create_flow_run_from_deployment(made).id

    def begin(self) -> str:
        """From the top, as a worker's process does it; the name of the state then."""
        with suppress(Pause):
            flow, run = deploy.deploy_migration, self._read()
            run_flow(flow, run, self._given, return_type="state")
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

    def retry(self, is_forced: bool) -> None:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(self._id, AwaitingRetry(), force=is_forced)

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


@pytest.mark.parametrize("is_forced", FORCED)
def test_answer_is_good_once(
    asking: Asking, owner: psycopg.Connection, is_forced: bool
) -> None:
    asking.answer("decline")
    assert asking.begin() == "Blocked"
    asking.retry(is_forced)
    assert asking.begin() == "Suspended"
    assert_waits(owner)
    asking.answer("approve")
    assert asking.begin() == "Deployed"


@pytest.mark.parametrize("is_forced", FORCED)
def test_run_that_nobody_answered_is_asked_for_anew(
    asking: Asking, owner: psycopg.Connection, is_forced: bool
) -> None:
    asking.end_in_vain()
    asking.retry(is_forced)
    assert asking.begin() == "Suspended"
    assert_waits(owner)


def test_answer_that_came_to_nothing_is_in_nobodys_way(asking: Asking) -> None:
    """Its process died before it was read."""
    asking.answer("approve")
    asking.end_in_vain()
    asking.retry(is_forced=False)
    assert asking.begin() == "Suspended"
    asking.answer("decline")
    assert asking.begin() == "Blocked"


def assert_waits(owner: psycopg.Connection) -> None:
    """By the ledger, too: Prefect has a run suspended before it writes the form."""
    kinds = "SELECT kind FROM pgflight.event ORDER BY id DESC LIMIT 1"
    assert owner.execute(kinds).fetchone() == ("suspended",)
