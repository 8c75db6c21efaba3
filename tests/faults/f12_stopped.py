"""F12: the pilot hangs (SIGSTOP) with its locks held, and comes back later."""

import time
from threading import Event

from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.f02_answer_lost import expect_success
from tests.faults.ground import Ground
from tests.faults.pilot import Action, Pilot, Seen
from tests.faults.proxy import Deed, Line, Once, WireProxy
from tests.faults.route import at, expect_at, route_of, spread

ARMS: list[tuple[Action, Wish, str]] = [
    ("deploy", "transactional", "apply"),
    ("rollback", "transactional", "rollback"),
    ("deploy", "online", "step-"),
]
IDLE_LIMIT_S = 3.0
SLOW_MACHINE_S = 10.0
HOLDS = """
SELECT count(*) FROM pg_stat_activity AS a
WHERE datname = current_database() AND application_name LIKE %s
  AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL OR EXISTS (
    SELECT FROM pg_locks AS l
    WHERE l.pid = a.pid AND l.granted AND l.locktype <> 'virtualxid'))
"""
"""A transaction that has only begun holds nothing that anybody could want."""


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    action, strategy, session = ARMS[turn.number % len(ARMS)]
    points = [
        point
        for point in route_of(ground.field, action, strategy)
        if point.session.startswith(session)
    ]
    point = spread(points, 1 + turn.number // len(ARMS))
    if action == "rollback":
        fly(ground, strategy=strategy)
    stopped, pilots = Event(), list[Pilot]()

    def stop(line: Line) -> None:
        pilots[0].stop()
        stopped.set()

    once = Once(at(point), Deed.PASS, stop)
    with WireProxy(ground.cluster.port, once) as proxy:
        url = proxy.through(ground.world.owner_url)
        pilots.append(Pilot(order(ground, action, url, strategy=strategy)))
        while not stopped.wait(0.05) and not pilots[0].is_over:
            pass
        _wait_for_release(ground, session)
        pilots[0].go_on()
        seen = pilots[0].wait()
    expect_at(ground, once, point)
    expect_success(ground, seen)
    return [seen]


def _wait_for_release(ground: Ground, session: str) -> None:
    """The server gives the locks back, whatever the client does."""
    started = time.monotonic()
    with ground.admin("experiment") as conn:
        while conn.execute(HOLDS, [f"pgflight {session}%"]).fetchone() != (0,):
            if time.monotonic() - started > IDLE_LIMIT_S + SLOW_MACHINE_S:
                ground.expect(False, "I4", "the locks were not given back")
                return
            time.sleep(0.05)
    ground.counts["seconds until released"] += round(time.monotonic() - started)


EXPERIMENT = Experiment(
    "F12", "SIGSTOP with locks held, SIGCONT", round_, rounds=12, reduced=1
)
