"""F1: the pilot is killed with SIGKILL, at each statement and in the middle of it."""

from threading import Timer

from flows.migration.folder import load_migration
from flows.migration.online.rewrite import plan_online
from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.ground import Ground
from tests.faults.pilot import Action, Pilot, Seen
from tests.faults.proxy import Deed, Line, Once, WireProxy
from tests.faults.route import CONDEMNED, at, route_of, since, spread, way_back_of

ARMS: list[tuple[Action, Wish]] = [
    ("deploy", "transactional"),
    ("deploy", "online"),
    ("rollback", "transactional"),
    ("rollback", "online"),
]
WAY_BACK = len(ARMS)
"""One more: online, fails at its last step, and is killed on its way back."""
ROW_S = 0.001
LATEST_S = 0.1


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    """Every other one is killed while the server is at the statement."""
    arm, times = turn.number % (len(ARMS) + 1), 1 + turn.number // (len(ARMS) + 1)
    if arm == WAY_BACK:
        return killed_on_the_way_back(ground, turn, times)
    action, strategy = ARMS[arm]
    point = spread(route_of(ground.field, action, strategy), times)
    if action == "rollback":
        fly(ground, strategy=strategy)
    ground.slow_down(ROW_S)
    return [fly_and_kill(ground, action, strategy, Killer(at(point), _delay_s(turn)))]


def _delay_s(turn: Turn) -> float:
    is_amidst = turn.rng.random() < 0.5
    return turn.rng.uniform(0, LATEST_S) if is_amidst else 0.0


def killed_on_the_way_back(ground: Ground, turn: Turn, times: int) -> list[Seen]:
    """What was condemned stays so: a recovery goes on back, and never forward."""
    up = load_migration(ground.field.folder, "008").up
    fails = f"step-{plan_online(up)[-1].number}"
    point = spread(way_back_of(ground.field, fails), times)
    ground.let_fail(fails)
    ground.slow_down(ROW_S)
    killer = Killer(since(CONDEMNED, at(point)), _delay_s(turn))
    seen = fly_and_kill(ground, "deploy", "online", killer)
    ground.let_fail("")
    is_condemned = bool(ground.ask("condemned"))
    recovered = fly(ground, "recover")
    if is_condemned:
        is_back = ground.fingerprint() == ground.field.before
        text = f"condemned, then {recovered.outcome}: {recovered.errors}"
        ground.expect(is_back, "I1", text)
    ground.counts[f"way back, recover ended {recovered.outcome}"] += 1
    # The last one is what is flown again.
    return [recovered, seen]


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
    "F01", "SIGKILL at each statement and amidst", round_, rounds=140, reduced=5
)
