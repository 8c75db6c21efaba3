"""Starting a run: its parameters as they were typed, and its idempotency key."""

from uuid import uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun

from flows.migration.errors import BadInput
from flows.remote.start import Wanted, start

DEPLOY = "deploy-migration/production"
ROLL_BACK = "rollback-migration/production"


def started(client: SyncPrefectClient, deployment: str, **given: str) -> FlowRun:
    return start(client, Wanted(deployment, given)).run


@pytest.mark.parametrize("version", ["10", "20260101", "008", "1e3"])
def test_version_of_digits_is_a_text(client: SyncPrefectClient, version: str) -> None:
    run = started(client, ROLL_BACK, migration=version, confirm=version)
    assert run.parameters == {"migration": version, "confirm": version}


def test_other_types_are_what_they_look_like(client: SyncPrefectClient) -> None:
    given = {"approval": "true", "budget_ms": "2000", "approval_minutes": "0.5"}
    block = '{"$ref": {"block_document_slug": "postgres-target/prod"}}'
    run = started(client, DEPLOY, migration='"10"', target=block, **given)
    assert run.parameters == {
        "migration": "10",
        "target": {"$ref": {"block_document_slug": "postgres-target/prod"}},
        "approval": True,
        "budget_ms": 2000,
        "approval_minutes": 0.5,
    }


def test_name_of_digits_is_a_target(client: SyncPrefectClient) -> None:
    assert started(client, DEPLOY, migration="008", target="7").parameters == {
        "migration": "008",
        "target": "7",
    }


def test_unknown_parameter_is_refused_with_those_that_there_are(
    client: SyncPrefectClient,
) -> None:
    before = len(client.read_flow_runs())
    with pytest.raises(BadInput, match="has no parameter foo") as refused:
        started(client, DEPLOY, migration="008", foo="1")
    assert "migration, target, strategy" in refused.value.help
    assert len(client.read_flow_runs()) == before


@pytest.mark.parametrize(
    ("deployment", "given"),
    [
        (DEPLOY, {"migration": "007"}),
        (DEPLOY, {"migration": "008"}),
        (DEPLOY, {"migration": "008", "target": "bad"}),
        (DEPLOY, {"migration": "008", "target": "prod", "approval": "true"}),
        (ROLL_BACK, {"migration": "008", "target": "prod", "confirm": "008"}),
    ],
)
def test_key_of_another_run_is_refused(
    client: SyncPrefectClient, deployment: str, given: dict[str, str]
) -> None:
    """Or the one job would be shown what became of the other's."""
    key = f"ci-{uuid4()}"
    first = Wanted(DEPLOY, {"migration": "008", "target": "prod"}, key=key)
    assert start(client, first).run.id == start(client, first).run.id
    with pytest.raises(BadInput, match=f"of {DEPLOY} with migration=008, target=prod"):
        start(client, Wanted(deployment, given, key=key))
