"""F16: the rollback itself is killed, locked out, or loses its server."""

from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.f01_killed import Killer, fly_and_kill
from tests.faults.f05_crash import Crash
from tests.faults.f08_long_reader import READER
from tests.faults.ground import Ground
from tests.faults.hasty import LADDER
from tests.faults.pilot import Pilot, Seen
from tests.faults.proxy import Deed, Once, WireProxy
from tests.faults.route import at, expect_at, route_of, spread

ARMS = ("crashed", "killed", "locked")


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    arm = ARMS[turn.number % len(ARMS)]
    point = spread(
        route_of(ground.field, "rollback", "transactional"),
        1 + turn.number // len(ARMS),
    )
    fly(ground, strategy="online" if turn.rng.random() < 0.5 else "transactional")
    if arm == "killed":
        killer = Killer(at(point), turn.rng.uniform(0, 0.05))
        return [fly_and_kill(ground, "rollback", "transactional", killer)]
    if arm == "locked":
        return [locked(ground)]
    crash = Crash(ground, 0.0)
    once = Once(at(point), Deed.PASS, crash.prepare)
    with WireProxy(ground.cluster.port, once) as proxy:
        crash.proxy = proxy
        url = proxy.through(ground.world.owner_url)
        seen = Pilot(order(ground, "rollback", url)).wait()
        crash.finish()
    expect_at(ground, once, point)
    ground.counts[f"crashed: ended {seen.outcome}"] += 1
    return [seen]


def locked(ground: Ground) -> Seen:
    with ground.admin(READER) as reader:
        reader.autocommit = False
        reader.execute("SELECT count(*) FROM platform.users")
        seen = Pilot(order(ground, "rollback", settings=LADDER)).wait()
        reader.rollback()
    ground.counts[f"locked: ended {seen.outcome}"] += 1
    return seen


EXPERIMENT = Experiment(
    "F16", "Rollback killed, locked out, crashed", round_, rounds=36, reduced=3
)
