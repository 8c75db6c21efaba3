"""A run's graph in Prefect's UI is the chain of its steps."""

from pathlib import Path
from typing import Any

from tests.fix_graph import CHAIN, VERIFY, Graph, graph_with
from tests.fix_prefect import Fly
from tests.fix_sabotage import Sabotage


def graph_of_last(flow: str, last: str) -> Graph:
    """The graph of the flow's newest run."""
    from prefect import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    named = FlowFilter(name=FlowFilterName(any_=[flow]))
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs(
            flow_filter=named, sort=FlowRunSort.START_TIME_DESC, limit=1
        )

        def read() -> dict[str, Any]:
            answer = client.request(
                "GET", "/flow_runs/{id}/graph-v2", path_params={"id": run.id}
            )
            found: dict[str, Any] = answer.json()
            return found

        return graph_with(read, last)


def test_deployment_is_a_chain(deploy: Fly) -> None:
    deploy()
    assert graph_of_last("deploy-migration", "accept") == CHAIN


def test_second_deployment_is_a_chain(deploy: Fly) -> None:
    deploy()
    deploy()
    graph = graph_of_last("deploy-migration", "verified")
    assert graph == {
        "preflight": set(),
        **{step: {"preflight"} for step in VERIFY},
        "verified": VERIFY,
    }


def test_rollback_hangs_where_it_started(deploy: Fly, sabotage: Sabotage) -> None:
    sabotage("DROP INDEX platform.idx_users_active_org")
    deploy()
    rollback = "rollback-migration / rollback-008"
    graph = graph_of_last("deploy-migration", rollback)
    assert graph[rollback] == {"verified"}


def test_rollback_by_hand_is_a_chain(deploy: Fly, roll_back: Fly) -> None:
    deploy()
    roll_back()
    assert graph_of_last("rollback-migration", "probe-again") == {
        "find-run": set(),
        "claim": {"find-run"},
        "revert": {"claim"},
        "verify-reverted": {"revert"},
        "probe-again": {"verify-reverted"},
    }


def test_verification_of_all_is_a_chain(deploy: Fly, folder: Path) -> None:
    from flows.verify import verify_migration

    deploy()
    verify_migration(folder=str(folder), return_state=True)
    graph = graph_of_last("verify-migration", "verified")
    assert graph == {
        "find-accepted": set(),
        "find-run": {"find-accepted"},
        **{step: {"find-run"} for step in VERIFY},
        "verified": VERIFY,
    }
