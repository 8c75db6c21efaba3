"""The deployments of prefect.yaml on the tests' own Prefect server; nobody works."""

from collections.abc import Iterator

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.utilities.callables import parameter_schema

from flows.remote.start import Wanted, start


@pytest.fixture
def client(prefect: None) -> Iterator[SyncPrefectClient]:
    """Of a server that has deploy-migration/production and rollback-migration/…."""
    from flows.deploy import deploy_migration
    from flows.rollback import rollback_migration

    step = {"prefect.deployments.steps.set_working_directory": {"directory": "/gone"}}
    with get_client(sync_client=True) as client:
        for flow in (deploy_migration, rollback_migration):
            client.create_deployment(
                client.create_flow(flow),
                "production",
                parameter_openapi_schema=parameter_schema(
                    flow
                ).model_dump_for_openapi(),
                enforce_parameter_schema=True,
                pull_steps=[step],
            )
        yield client


def ended(client: SyncPrefectClient, *states: State, **given: str) -> FlowRun:
    """A run of deploy-migration that went through these states."""
    wanted = Wanted("deploy-migration/production", {"migration": "008", **given})
    run = start(client, wanted).run
    for state in states:
        client.set_flow_run_state(run.id, state, force=True)
    return client.read_flow_run(run.id)
