"""F6: somebody terminates a backend of ours, at each statement and in COMMIT."""

import time

from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.ground import Ground
from tests.faults.pilot import Action, Pilot, Seen
from tests.faults.proxy import Deed, Line, Once, WireProxy
from tests.faults.route import at, expect_at, route_of, spread

ARMS: list[tuple[Action, Wish]] = [
    ("deploy", "transactional"),
    ("rollback", "transactional"),
    ("deploy", "online"),
]
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s
"""
GONE_S = 5.0


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    action, strategy = ARMS[turn.number % len(ARMS)]
    points = route_of(ground.field, action, strategy)
    point = spread(points, 1 + turn.number // len(ARMS))
    if action == "rollback":
        fly(ground, strategy=strategy)
    once = Once(at(point), Deed.PASS, lambda line: terminate(ground, line))
    with WireProxy(ground.cluster.port, once) as proxy:
        url = proxy.through(ground.world.owner_url)
        seen = Pilot(order(ground, action, url, strategy=strategy)).wait()
    expect_at(ground, once, point)
    ground.counts[f"{action} ended {seen.outcome}"] += 1
    if not (seen.report and seen.report.is_success):
        ground.counts[f"{action} at {point}"] += 1
    return [seen]


def terminate(ground: Ground, line: Line) -> None:
    """End the backend, and wait until it has ended."""
    with ground.admin("experiment") as conn:
        deadline = time.monotonic() + GONE_S
        while time.monotonic() < deadline:
            if not conn.execute(TERMINATE, [line.application]).fetchall():
                return
            time.sleep(0.005)


EXPERIMENT = Experiment(
    "F06", "pg_terminate_backend at each statement", round_, rounds=60, reduced=2
)
