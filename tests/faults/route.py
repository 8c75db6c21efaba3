"""A route: every statement of a flight, learned from one that nobody disturbs."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from flows.migration.outcome import Outcome
from flows.migration.strategy import Wish
from tests.faults.experiment import fly, order
from tests.faults.ground import Field, Ground, fresh_ground
from tests.faults.pilot import Action, Pilot
from tests.faults.proxy import Deed, Line, Once, WireProxy
from tests.faults.wire import Message

CONDEMNED = "condemned 008"
"""What a way back begins with."""
GOLDEN = 0.6180339887
MOST_SAMPLES = 3
"""Of the watcher's, which says the same all the time."""
BY_THE_CLOCK = "watch", "fence", "step-2"
"""Sessions that say the more the longer it takes: the third one fills the column."""

_RUN = re.compile(r" ?[0-9a-f]{8}-[0-9a-f-]*")


@dataclass(frozen=True)
class Point:
    """One statement of a route.

    Attributes:
        session: what it is sent by, such as ``apply`` or ``step-2``.
        number: among those of all sessions of that name, from 1.
    """

    session: str
    number: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.session} {self.number}: {' '.join(self.text.split())[:60]}"


class Recorder:
    """Notes each statement that comes by."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._counts: Counter[str] = Counter()

    def __call__(self, line: Line, message: Message) -> Deed:
        session = session_of(line.application)
        self._counts[session] += 1
        number = self._counts[session]
        if not session.startswith("watch") or number <= MOST_SAMPLES:
            self.points.append(Point(session, number, message.text))
        return Deed.PASS


def session_of(application: str) -> str:
    return _RUN.sub("", application.removeprefix("pgflight ")).strip()


Fits = Callable[[Line, Message], bool]


def at(point: Point) -> Fits:
    """Fits that statement, in a flight that goes as the recorded one did."""
    seen = 0

    def fits(line: Line, message: Message) -> bool:
        nonlocal seen
        if session_of(line.application) != point.session:
            return False
        seen += 1
        return seen == point.number

    return fits


def since(session: str, fits: Fits) -> Fits:
    """Asks only once such a session has said something."""
    has_begun = False

    def fits_since(line: Line, message: Message) -> bool:
        nonlocal has_begun
        has_begun = has_begun or session_of(line.application) == session
        return has_begun and fits(line, message)

    return fits_since


def expect_at(ground: Ground, once: Once, point: Point) -> None:
    """What was to be done at that statement was done, but where the clock decides."""
    if not once.is_done and point.session.startswith(BY_THE_CLOCK):
        ground.note_missed()
        return
    ground.expect(once.is_done, "I3", f"there was no {point}")


def route_of(field: Field, action: Action, strategy: Wish) -> list[Point]:
    """All points; learned once for each server."""
    key = f"{action} {strategy}"
    if key not in field.routes:
        with fresh_ground(field) as ground:
            field.routes[key] = _learn(ground, action, strategy)
    return field.routes[key]


def _learn(ground: Ground, action: Action, strategy: Wish) -> list[Point]:
    if action == "rollback":
        fly(ground, strategy=strategy)
    wanted = Outcome.DEPLOYED if action == "deploy" else Outcome.ROLLED_BACK
    return _flown(ground, action, strategy, wanted)


def _flown(
    ground: Ground, action: Action, strategy: Wish, wanted: Outcome
) -> list[Point]:
    recorder = Recorder()
    with WireProxy(ground.cluster.port, recorder) as proxy:
        url = proxy.through(ground.world.owner_url)
        seen = Pilot(order(ground, action, url, strategy=strategy)).wait()
    assert seen.outcome is wanted, seen.said
    return recorder.points


def way_back_of(field: Field, fails: str) -> list[Point]:
    """The points of an online deployment's way back, numbered from its beginning.

    Args:
        fails: the session that fails.
    """
    key = f"way back from {fails}"
    if key not in field.routes:
        with fresh_ground(field) as ground:
            ground.let_fail(fails)
            points = _flown(ground, "deploy", "online", Outcome.ROLLED_BACK)
            field.routes[key] = _numbered_since(CONDEMNED, points)
    return field.routes[key]


def _numbered_since(session: str, points: list[Point]) -> list[Point]:
    begin = next(i for i, point in enumerate(points) if point.session == session)
    counts, numbered = Counter[str](), list[Point]()
    for point in points[begin:]:
        counts[point.session] += 1
        numbered.append(replace(point, number=counts[point.session]))
    return numbered


def spread(points: list[Point], number: int) -> Point:
    """The points one after the other, far from each other, each once at last."""
    return points[int(len(points) * (number * GOLDEN % 1))]
