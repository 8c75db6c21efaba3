"""What the application did during a deployment, and what may be said of it for sure.

An operation's commit lies between two readings of the clock. So a membership
certainly existed from the end of joining to the beginning of leaving, and possibly
from the beginning of joining to the end of leaving.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

Kind = Literal["join", "leave", "move", "org gone", "user gone"]


@dataclass(frozen=True)
class Moment:
    """Something that happened between two readings of the clock."""

    began: float
    ended: float


BEFORE = Moment(-math.inf, -math.inf)
NEVER = Moment(math.inf, math.inf)


@dataclass(frozen=True)
class Event:
    """A committed operation; of a move, the user leaves `left` for `org`."""

    kind: Kind
    when: Moment
    user: UUID | None = None
    org: UUID | None = None
    left: UUID | None = None


@dataclass(frozen=True)
class Membership:
    org: UUID
    joined: Moment
    left: Moment


@dataclass
class Chronicle:
    """All events, and the members that there were before.

    Of the events of one user but the end of an organization, none overlap.
    """

    members: Sequence[tuple[UUID, UUID]]
    events: list[Event] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Errors of the application's statements that it has not brought on itself."""

    def ends_of_orgs(self) -> Mapping[UUID, Moment]:
        ends: dict[UUID, Moment] = defaultdict(lambda: NEVER)
        ends.update(
            (event.org, event.when)
            for event in self.events
            if event.kind == "org gone" and event.org
        )
        return ends

    def of_users(self) -> Mapping[UUID, "Past"]:
        """The past of each user who was ever a member."""
        ends = self.ends_of_orgs()
        pasts: dict[UUID, Past] = defaultdict(Past)
        for user, org in self.members:
            pasts[user].join(org, BEFORE)
        for event in sorted(self.events, key=lambda event: event.when.began):
            if event.user:
                pasts[event.user].note(event)
        for past in pasts.values():
            past.close(ends)
        return pasts


@dataclass
class Past:
    """The memberships of one user."""

    memberships: list[Membership] = field(default_factory=list)
    _open: dict[UUID, Moment] = field(default_factory=dict)
    _moves: list[tuple[UUID, UUID, Moment]] = field(default_factory=list)
    _bridges: list[tuple[float, float]] = field(default_factory=list)

    def join(self, org: UUID, when: Moment) -> None:
        self._open[org] = when

    def leave(self, org: UUID, when: Moment) -> None:
        # Not there any more: the organization was deleted.
        if org in self._open:
            self.memberships.append(Membership(org, self._open.pop(org), when))

    def note(self, event: Event) -> None:
        match event:
            case Event(kind="join", org=UUID() as org):
                self.join(org, event.when)
            case Event(kind="leave", org=UUID() as org):
                self.leave(org, event.when)
            case Event(kind="move", org=UUID() as org, left=UUID() as left):
                self.leave(left, event.when)
                self.join(org, event.when)
                self._moves.append((left, org, event.when))
            case Event(kind="user gone"):
                for org in list(self._open):
                    self.leave(org, event.when)

    def close(self, ends: Mapping[UUID, Moment]) -> None:
        """Let the organizations end when they did."""
        for org in list(self._open):
            self.leave(org, NEVER)
        self.memberships = [
            Membership(one.org, one.joined, _first(one.left, ends[one.org]))
            for one in self.memberships
        ]
        # In one transaction: at no time was the user in neither.
        self._bridges = [
            (when.began, when.ended)
            for left, org, when in self._moves
            if min(ends[left].began, ends[org].began) > when.ended
        ]

    def may_have_been_in(self, low: float, high: float) -> set[UUID]:
        """Organizations that the user belonged to at some time, for all we know."""
        return {
            one.org
            for one in self.memberships
            if one.joined.began <= high and one.left.ended >= low
        }

    def was_in_some(self, low: float, high: float) -> bool:
        """Whether the user certainly belonged to an organization all the time."""
        reached = low
        for since, until in sorted(self._certain()):
            if since <= reached < until:
                reached = until
        return reached > high

    def _certain(self) -> Iterator[tuple[float, float]]:
        yield from self._bridges
        for one in self.memberships:
            yield one.joined.ended, one.left.began


def faults(
    chronicle: Chronicle,
    values: Mapping[UUID, UUID | None],
    deploy: tuple[float, float],
    last_look: float,
) -> Iterator[str]:
    """What is wrong with the values of the users who are left.

    Args:
        deploy: when the deployment began and ended.
        last_look: a time before it looked for the last time whether a row is left.
            Whoever belonged from then on has a value too, and an organization that
            was deleted after that took its users' value with it, as ON DELETE says.
    """
    pasts, ends = chronicle.of_users(), chronicle.ends_of_orgs()
    for user, value in values.items():
        past = pasts[user]
        possible = past.may_have_been_in(*deploy)
        if value is not None and value not in possible:
            yield f"{user} has {value}, and was never in it"
        if value is not None and ends[value] != NEVER:
            yield f"{user} has {value}, which is gone"
        is_excused = any(last_look <= ends[org].ended < math.inf for org in possible)
        if value is None and not is_excused and past.was_in_some(last_look, deploy[1]):
            yield f"{user} was in some organization all the time, and has none"


def _first(one: Moment, other: Moment) -> Moment:
    return Moment(min(one.began, other.began), min(one.ended, other.ended))
