"""A named target through a whole deployment, its rollback as a subflow included."""

import os

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.demo.world import World
from flows.migration.advice import left_to_do
from flows.migration.outcome import Outcome
from tests.fix_prefect import Fly
from tests.fix_sabotage import Sabotage


@pytest.fixture
def named(world: World, target: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """This test's world as the target `staging`; the environment's own is nowhere."""
    for name in [name for name in os.environ if name.startswith("PGFLIGHT_")]:
        suffix = name.removeprefix("PGFLIGHT_")
        monkeypatch.setenv(f"PGFLIGHT_STAGING_{suffix}", os.environ[name])
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL_STAGING", world.owner_url)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nowhere")


@pytest.mark.usefixtures("named")
def test_rollback_as_a_subflow_goes_where_the_deployment_went(
    deploy: Fly, sabotage: Sabotage, world: World
) -> None:
    sabotage("DROP INDEX platform.idx_users_active_org")
    report = deploy(target="staging")
    assert report.outcome is Outcome.ROLLED_BACK
    assert report.target.startswith("staging: ")
    assert world.database in report.target
    assert report.target_name == "staging"
    assert left_to_do(report)[0].command == "pgflight deploy 008 --target staging"


@pytest.mark.usefixtures("named")
def test_rollback_that_is_not_confirmed_is_blocked(roll_back: Fly) -> None:
    report = roll_back(target="staging", confirm="8")
    assert report.outcome is Outcome.BLOCKED
    assert "Not confirmed" in report.errors[0]


@pytest.mark.usefixtures("named")
def test_unknown_target_blocks(deploy: Fly) -> None:
    report = deploy(target="prod")
    assert report.outcome is Outcome.BLOCKED
    assert "There is no target prod" in report.errors[0]
    assert "DATABASE_URL_NAME): staging" in report.errors[0]
    assert report.target_name == "prod"


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize("version", ["007", "008"])
def test_blocked_run_says_which_database(
    deploy: Fly, roll_back: Fly, world: World, version: str
) -> None:
    """Also one that preflight refused, and a rollback of what is not in place."""
    fly = deploy if version == "007" else roll_back
    report = fly(version, target="staging")
    assert report.outcome is Outcome.BLOCKED
    assert report.target.startswith(f"staging: platform_owner on {world.database}@")


@pytest.mark.usefixtures("named")
def test_target_that_does_not_answer_is_named(
    deploy: Fly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL_STAGING", "postgresql://me@127.0.0.1:9/nowhere")
    assert deploy(target="staging").target == (
        "staging: DATABASE_URL_STAGING, which was not asked"
    )


@pytest.mark.usefixtures("named")
def test_pages_have_the_targets_name_in_their_key(deploy: Fly) -> None:
    """Two targets' reports are no history of each other."""
    run_id = deploy("007", target="staging").run_id
    with get_client(sync_client=True) as client:
        key = ArtifactFilterKey(any_=["report-007-staging"])
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=key))
    assert [one.key for one in found if run_id in str(one.data)] == [
        "report-007-staging"
    ]
