"""The automations beside prefect.yaml: what Prefect's own file cannot say."""

from collections.abc import Iterator
from dataclasses import dataclass
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
from flows.migration.outcome import Outcome
from flows.migration.state_name import CUT_OFF, SUSPENDED, state_named
from flows.remote.api import server

FLOWS = (
    "deploy-migration",
    "rollback-migration",
    "restore-migration",
    "verify-migration",
    "recover-migrations",
)
LOST = "pgflight: a run whose heartbeat is lost has crashed"
BODY = """{{ event.resource['prefect.state-message'] }}

{{ flow_run|ui_url }}
"""
A_DAY = timedelta(days=1)
_ROLE, _NAME = "prefect.resource.role", "prefect.resource.name"


@dataclass(frozen=True)
class Alarm:
    """Of what somebody is told.

    Attributes:
        outcomes: those of an operator's interest; Prefect's own ends are added.
        waits: also of a run that waits for an approval.
        is_deployed: only of runs of a deployment: of a subflow the run tells that it
            belongs to.
        times: that it must have come to the same, for the same reason, within a day;
            then nothing more is said of it until the day is over.
    """

    name: str
    flows: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    waits: bool = False
    is_deployed: bool = False
    times: int = 1

    @property
    def states(self) -> tuple[str, ...]:
        own = tuple(map(state_named, self.outcomes))
        return (*own, *CUT_OFF, *([SUSPENDED] if self.waits else []))


ALARMS = (
    Alarm(
        "pgflight: tell of a deployment",
        ("deploy-migration",),
        (
            Outcome.ROLLED_BACK,
            Outcome.ROLLBACK_FAILED,
            Outcome.NEEDS_DECISION,
            Outcome.UNKNOWN,
        ),
        waits=True,
    ),
    # One that is asked for and succeeds alarms nobody.
    Alarm(
        "pgflight: tell of a rollback or a restore",
        ("rollback-migration", "restore-migration"),
        (Outcome.ROLLBACK_FAILED, Outcome.NEEDS_DECISION, Outcome.UNKNOWN),
        is_deployed=True,
    ),
    # Nobody looks at it, so that it could not look is news.
    Alarm(
        "pgflight: tell of a drift",
        ("verify-migration",),
        (Outcome.NEEDS_DECISION, Outcome.UNKNOWN, Outcome.BLOCKED),
        is_deployed=True,
    ),
    # It comes every few minutes, and what it flies tells of itself.
    Alarm(
        "pgflight: tell of what cannot be recovered",
        ("recover-migrations",),
        (Outcome.NEEDS_DECISION, Outcome.BLOCKED),
        is_deployed=True,
        times=3,
    ),
)


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
            told = _block_id(client, block)
            wanted += [automation_of(alarm, told) for alarm in ALARMS]
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
            match_related=_of_flows(FLOWS),
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


def automation_of(alarm: Alarm, block_id: UUID) -> AutomationCore:
    """The alarm, sent through a notification block.

    Prefect may deliver an event twice: the same one is told once.
    """
    related: list[ResourceSpecification | dict[str, str | list[str]]] = [
        _of_flows(alarm.flows)
    ]
    if alarm.is_deployed:
        related.append(ResourceSpecification({_ROLE: "deployment"}))
    one_end = {"prefect.resource.id", "prefect.state-timestamp"}
    same_reason = {"prefect.state-name", "prefect.state-message"}
    return AutomationCore(
        name=alarm.name,
        description=f"Of {', '.join(alarm.states)}",
        trigger=EventTrigger(
            posture=Posture.Reactive,
            expect={f"prefect.flow-run.{name}" for name in alarm.states},
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=related,
            for_each=one_end if alarm.times == 1 else same_reason,
            threshold=alarm.times,
            within=A_DAY,
        ),
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject="pgflight: {{ event.resource.name }}:"
                " {{ event.resource['prefect.state-name'] }}",
                body=BODY,
            )
        ],
    )


def _of_flows(names: tuple[str, ...]) -> ResourceSpecification:
    return ResourceSpecification({_ROLE: "flow", _NAME: list(names)})


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
