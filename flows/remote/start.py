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

from flows.api_trouble import said_by
from flows.migration.errors import BadInput
from flows.remote.given import typed

ATTEMPTS = 5


@dataclass(frozen=True)
class Wanted:
    """What is to be run.

    Attributes:
        deployment: flow/deployment.
        given: parameters, each as it was typed.
        key: a second run with the same key is the first one; empty for a new one.
    """

    deployment: str
    given: Mapping[str, str]
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
        BadInput: there is no such deployment, a parameter is not valid, or the key is
            another run's.
    """
    deployment = _deployment(client, wanted.deployment)
    parameters = typed(deployment, wanted.deployment, wanted.given)
    found = _earlier(client, wanted.key)
    run = found or _create(client, deployment, wanted, parameters)
    if wanted.key:
        # Also of one that was made now: two may start at the same moment.
        _assert_is_wanted(client, run, deployment, parameters)
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


def _assert_is_wanted(
    client: SyncPrefectClient,
    run: FlowRun,
    deployment: DeploymentResponse,
    parameters: Mapping[str, Any],
) -> None:
    """A key that two jobs share would show the one what became of the other's run.

    Raises:
        BadInput: it is the run of another deployment, or of other parameters.
    """
    # The deployment's own may be templates, and filled in by now.
    others = set(run.parameters) - set(parameters) - set(deployment.parameters)
    given = {key: run.parameters.get(key) for key in parameters}
    if run.deployment_id == deployment.id and given == parameters and not others:
        return
    theirs = deployment
    if run.deployment_id and run.deployment_id != deployment.id:
        theirs = client.read_deployment(run.deployment_id)
    flow = client.read_flow(run.flow_id).name
    raise BadInput(
        f"The idempotency key belongs to the run {run.name} of {flow}/{theirs.name}"
        f" with {_shown(run.parameters)}; wanted is {_shown(parameters)}",
        "Nothing was started. Give each job a key of its own: what it runs, on which"
        " target, and the attempt.",
    )


def _shown(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in parameters.items()) or "none"


def _create(
    client: SyncPrefectClient,
    deployment: DeploymentResponse,
    wanted: Wanted,
    parameters: Mapping[str, Any],
) -> FlowRun:
    # Of our own where none is given: a request whose answer is lost is then sent again
    # without starting a second run.
    key = wanted.key or f"pgflight-{uuid4()}"
    for attempt in range(ATTEMPTS):
        try:
            return client.create_flow_run_from_deployment(
                deployment.id,
                parameters=dict(parameters),
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
