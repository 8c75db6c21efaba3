"""Starting a run of a deployment by its name, as CI does."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from flows.migration.errors import BadInput
from flows.remote.api import said_by

ATTEMPTS = 5


@dataclass(frozen=True)
class Wanted:
    """What is to be run.

    Attributes:
        deployment: flow/deployment.
        key: a second run with the same key is the first one; empty for a new one.
    """

    deployment: str
    parameters: Mapping[str, Any]
    tags: Sequence[str] = ()
    key: str = ""


@dataclass(frozen=True)
class Started:
    """A run on its way.

    Attributes:
        was_there: it is not new: an earlier start had the same idempotency key.
    """

    run: FlowRun
    pool: str
    was_there: bool


def start(client: SyncPrefectClient, wanted: Wanted) -> Started:
    """Have the server create the run; whoever works the pool takes it.

    Raises:
        BadInput: there is no such deployment, or a parameter is not valid.
    """
    deployment = _deployment(client, wanted.deployment)
    found = _earlier(client, wanted.key)
    run = found or _create(client, deployment, wanted)
    pool = deployment.work_pool_name or ""
    return Started(run=run, pool=pool, was_there=found is not None)


def _deployment(client: SyncPrefectClient, name: str) -> DeploymentResponse:
    try:
        return client.read_deployment_by_name(name)
    except (ObjectNotFound, ValueError):
        there = sorted(_names(client))
    has = ", ".join(there) if there else "none yet"
    raise BadInput(
        f"Prefect has no deployment {name!r}; it has: {has}",
        "Name it as flow/deployment, or deploy it: prefect --no-prompt deploy --all",
    )


def _names(client: SyncPrefectClient) -> list[str]:
    flows = {flow.id: flow.name for flow in client.read_flows()}
    found = client.read_deployments(limit=50)
    return [f"{flows.get(one.flow_id, '?')}/{one.name}" for one in found]


def _earlier(client: SyncPrefectClient, key: str) -> FlowRun | None:
    if not key:
        return None
    same = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[key]))
    return next(iter(client.read_flow_runs(flow_run_filter=same, limit=1)), None)


def _create(
    client: SyncPrefectClient, deployment: DeploymentResponse, wanted: Wanted
) -> FlowRun:
    # Of our own where none is given: a request whose answer is lost is then sent again
    # without starting a second run.
    key = wanted.key or f"pgflight-{uuid4()}"
    for attempt in range(ATTEMPTS):
        try:
            return client.create_flow_run_from_deployment(
                deployment.id,
                parameters=dict(wanted.parameters),
                tags=wanted.tags,
                idempotency_key=key,
            )
        except httpx.TransportError:
            if attempt + 1 == ATTEMPTS:
                raise
            time.sleep(0.5 * 2**attempt)
        except PrefectHTTPStatusError as error:
            if error.response.status_code not in (400, 404, 409, 422):
                raise
            raise BadInput(
                f"{wanted.deployment} does not take these parameters: {said_by(error)}"
            ) from None
    raise AssertionError("ATTEMPTS is at least 1")
