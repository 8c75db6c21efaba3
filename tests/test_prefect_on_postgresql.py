"""Two API servers of Prefect on one PostgreSQL: one is worked by, the other watched."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from flows.demo.server import PostgresServer
from flows.demo.service import run_application
from flows.demo.world import World
from tests.crashes.site import DEPLOYMENT, Site, database_for_prefect, wait_for

Two = tuple[Site, Site]


@pytest.fixture
def two_servers(
    complete_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Two]:
    settings = database_for_prefect(complete_server, "prefect_server")
    first = Site(tmp_path_factory.mktemp("first"), settings=settings)
    # Services once: two servers' loops would do the same work twice.
    second = Site(
        tmp_path_factory.mktemp("second"), settings=settings, flags=("--no-services",)
    )
    with ExitStack() as stack:
        for site in (first, second):
            stack.callback(site.stop)
            site.start_server()
        first.deploy_all()
        yield first, second


def test_run_of_one_server_is_seen_by_the_other(two_servers: Two, world: World) -> None:
    first, second = two_servers
    with run_application(world) as endpoint:
        first.start_worker("default")
        deployment = first.get(f"/deployments/name/{DEPLOYMENT}")["id"]
        created = first.post(
            f"/deployments/{deployment}/create_flow_run",
            {
                "parameters": {"migration": "008"},
                "job_variables": {"env": world.environment(endpoint)},
            },
        )
        wait_for(lambda: second.is_over(created["id"]), "a run seen by both")
    assert second.state_of(created["id"]) == ("COMPLETED", "Deployed")
    logs = {"logs": {"flow_run_id": {"any_": [created["id"]]}}}

    def is_told() -> bool:
        said = [log["message"] for log in second.post("/logs/filter", logs)]
        return any("Migration 008 applied" in line for line in said)

    # A run sends its log beside its states, and may be over before.
    wait_for(is_told, "the log of the other's run")
