"""The automations beside prefect.yaml: what Prefect's own file cannot say."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import (
    AutomationCore,
    EventTrigger,
    Posture,
)
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from flows.migration.errors import BadInput
from flows.migration.state_name import ALARMING
from flows.remote.api import server

FLOWS = [
    "deploy-migration",
    "rollback-migration",
    "verify-migration",
    "recover-migrations",
]
LOST = "pgflight: a run whose heartbeat is lost has crashed"
ALARM = "pgflight: tell somebody"
BODY = """{{ flow_run.state.message }}

{{ flow_run|ui_url }}
"""


def create_automations(block: str, heartbeat_s: int) -> Iterator[str]:
    """Create what lacks and update what is there; says what was done.

    Args:
        block: type/name of a notification block; empty for no notification.
        heartbeat_s: how often a flow shows that it is alive.

    Raises:
        BadInput: there is no such block, or the server does not answer.
    """
    with server() as client:
        wanted = [lost_heartbeat(timedelta(seconds=3 * heartbeat_s))]
        if block:
            wanted.append(alarm(_block_id(client, block)))
        for automation in wanted:
            yield _put(client, automation)
    if not block:
        yield "Nobody is told of a bad end: --notify TYPE/NAME names who"


def lost_heartbeat(within: timedelta) -> AutomationCore:
    """A worker that was killed, or lost its machine, reports nothing."""
    return AutomationCore(
        name=LOST,
        description="Its deployment recover-migrations then brings to an end what it"
        " has left.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=_of_our_flows(),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=within,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                name="Crashed",
                force=False,
                message="Its heartbeat was lost: process, worker or machine is gone.",
            )
        ],
    )


def alarm(block_id: UUID) -> AutomationCore:
    """Somebody is told of what did not end well; a blocked run has changed nothing."""
    return AutomationCore(
        name=ALARM,
        description="Of " + ", ".join(ALARMING),
        trigger=EventTrigger(
            posture=Posture.Reactive,
            expect={f"prefect.flow-run.{name}" for name in ALARMING},
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=_of_our_flows(),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject="pgflight: {{ flow_run.name }}: {{ flow_run.state.name }}",
                body=BODY,
            )
        ],
    )


def _of_our_flows() -> ResourceSpecification:
    return ResourceSpecification(
        {"prefect.resource.role": "flow", "prefect.resource.name": list(FLOWS)}
    )


def _block_id(client: SyncPrefectClient, block: str) -> UUID:
    kind, _, name = block.partition("/")
    try:
        return client.read_block_document_by_name(name, kind, False).id
    except (ObjectNotFound, PrefectHTTPStatusError):
        raise BadInput(
            f"Prefect has no block {block!r}",
            "`prefect block ls` lists them as type/name; make one in the UI: Blocks.",
        ) from None


def _put(client: SyncPrefectClient, automation: AutomationCore) -> str:
    found = client.read_automations_by_name(automation.name)
    if not found:
        client.create_automation(automation)
        return f"✅ Created: {automation.name}"
    client.update_automation(found[0].id, automation)
    return f"✅ Updated: {automation.name}"
