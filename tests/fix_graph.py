"""A run's graph as Prefect's UI draws it: each step's name, and what it comes after."""

import time
from collections.abc import Callable
from typing import Any

Graph = dict[str, set[str]]
PATIENCE_S = 60.0

VERIFY = {
    "verify-column",
    "verify-index",
    "verify-foreign-key",
    "verify-backfill",
    "verify-functions",
}
CHAIN: Graph = {
    "preflight": set(),
    "claim": {"preflight"},
    "baseline": {"claim"},
    "plan": {"baseline"},
    "apply": {"plan"},
    **{step: {"apply"} for step in VERIFY},
    "verified": VERIFY,
    "smoke-test": {"verified"},
    "accept": {"smoke-test"},
}


def graph_with(read: Callable[[], dict[str, Any]], last: str) -> Graph:
    """The graph, once it has its last step: Prefect's server makes it of events.

    Args:
        read: the API's answer of ``flow_runs/{id}/graph-v2``.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        graph = _graph_of(read())
        if graph.get(last):
            return graph
        time.sleep(0.2)
    raise TimeoutError(f"no {last} in {graph}")


def _graph_of(answer: dict[str, Any]) -> Graph:
    nodes = dict(answer["nodes"])
    return {
        node["label"]: {nodes[parent["id"]]["label"] for parent in node["parents"]}
        for node in nodes.values()
    }
