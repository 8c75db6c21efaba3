"""A real Prefect for the session: its own server, its own home, no heartbeat."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flows.demo.world import World
from flows.here import prepare_prefect
from flows.migration.report import Report

Fly = Callable[..., Report]


@pytest.fixture(scope="session")
def prefect() -> Iterator[None]:
    """Prefect's own test harness, with the time that a busy machine needs."""
    prepare_prefect()
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture
def target(
    world: World, application: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """This test's world as the target that the environment names."""
    for name in [name for name in os.environ if name.startswith("PGFLIGHT_")]:
        monkeypatch.delenv(name)
    for name, value in world.environment(application).items():
        monkeypatch.setenv(name, value)
    yield


@pytest.fixture
def deploy(prefect: None, target: None, folder: Any) -> Fly:
    """Runs the flow deploy-migration on the test's own folder of migrations."""
    from flows.deploy import deploy_migration

    return _runner(deploy_migration, folder)


@pytest.fixture
def roll_back(prefect: None, target: None, folder: Any) -> Fly:
    """Runs the flow rollback-migration likewise."""
    from flows.rollback import rollback_migration

    run = _runner(rollback_migration, folder)
    return lambda version="008", **more: run(version, **{"confirm": version} | more)


@pytest.fixture
def restore(prefect: None, target: None, folder: Any) -> Fly:
    """Runs the flow restore-migration likewise."""
    from flows.restore import restore_migration

    return _runner(restore_migration, folder)


@pytest.fixture
def verify(prefect: None, target: None, folder: Any) -> Fly:
    """Runs the flow verify-migration likewise."""
    from flows.verify import verify_migration

    return _runner(verify_migration, folder)


def _runner(flow: Any, folder: Any) -> Fly:
    from flows.tasks.landing import report_of

    def run(version: str = "008", **parameters: Any) -> Report:
        state = flow(version, folder=str(folder), return_state=True, **parameters)
        return report_of(state)

    return run
