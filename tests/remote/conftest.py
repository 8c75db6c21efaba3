"""The deployments of prefect.yaml on the tests' own Prefect server; nobody works."""

from collections.abc import Iterator

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.utilities.callables import parameter_schema


@pytest.fixture
def client(prefect: None) -> Iterator[SyncPrefectClient]:
    """Of a server that has deploy-migration/production and rollback-migration/…."""
    from flows.deploy import deploy_migration
    from flows.rollback import rollback_migration

    with get_client(sync_client=True) as client:
        for flow in (deploy_migration, rollback_migration):
            client.create_deployment(
                client.create_flow(flow),
                "production",
                parameter_openapi_schema=parameter_schema(flow).model_dump_for_openapi(),
                enforce_parameter_schema=True,
            )
        yield client
