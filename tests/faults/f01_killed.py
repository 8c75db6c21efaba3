"""F1: the pilot is killed with SIGKILL, at each statement and in the middle of it."""

from threading import Timer

from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.ground import Ground
from tests.faults.pilot import Action, Pilot, Seen
from tests.faults.proxy import Deed, Line, Once, WireProxy
from tests.faults.route import at, route_of, spread

ARMS: list[tuple[Action, Wish]] = [
    ("deploy", "transactional"),
    ("deploy", "online"),
    ("rollback", "transactional"),
    ("rollback", "online"),
]
ROW_S = 0.001
LATEST_S = 0.1


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    """Every other one is killed while the server is at the statement."""
    action, strategy = ARMS[turn.number % len(ARMS)]
    point = spread(
        route_of(ground.field, action, strategy), 1 + turn.number // len(ARMS)
    )
    if action == "rollback":
        fly(ground, strategy=strategy)
    ground.slow_down(ROW_S)
    is_amidst = turn.rng.random() < 0.5
    delay_s = turn.rng.uniform(0, LATEST_S) if is_amidst else 0.0
    return [fly_and_kill(ground, action, strategy, Killer(at(point), delay_s))]


class Killer(Once):
    """Kills the pilot when a statement has come, or a moment later."""

    def __init__(self, fits: object, delay_s: float) -> None:
        super().__init__(fits, Deed.PASS, self._kill)  # type: ignore[arg-type]
        self.pilot: Pilot | None = None
        self._delay_s = delay_s

    def _kill(self, line: Line) -> None:
        assert self.pilot
        if self._delay_s:
            Timer(self._delay_s, self.pilot.kill).start()
        else:
            self.pilot.kill()


def fly_and_kill(
    ground: Ground, action: Action, strategy: Wish, killer: Killer
) -> Seen:
    with WireProxy(ground.cluster.port, killer) as proxy:
        url = proxy.through(ground.world.owner_url)
        killer.pilot = Pilot(order(ground, action, url, strategy=strategy))
        seen = killer.pilot.wait()
    if seen.outcome is None:
        ground.counts["killed"] += 1
    else:
        ground.note_missed()
    return seen


EXPERIMENT = Experiment(
    "F01", "SIGKILL at each statement and amidst", round_, rounds=112, reduced=4
)
