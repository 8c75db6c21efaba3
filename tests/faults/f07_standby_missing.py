"""F7: COMMIT waits for a synchronous standby that is not there."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from tests.faults.experiment import Experiment, Turn, order
from tests.faults.ground import Ground
from tests.faults.pilot import Pilot, Seen
from tests.faults.proxy import Deed, Once, WireProxy
from tests.faults.route import Point, at

WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
HANGS_S = 3.0
"""How long the COMMIT hangs before the standby is done without."""


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    return [refused(ground) if turn.number % 2 == 0 else hangs(ground)]


def refused(ground: Ground) -> Seen:
    """Preflight sees it."""
    with missing_standby(ground):
        seen = Pilot(order(ground)).wait()
    is_refused = (
        seen.outcome == "BLOCKED" and "synchronous_standby_names" in seen.errors
    )
    ground.expect(is_refused, "I3", f"not refused: {seen.outcome}: {seen.errors}")
    return seen


def hangs(ground: Ground) -> Seen:
    """It goes away after preflight has looked."""
    once = Once(
        at(Point("apply 008", 1)), Deed.PASS, lambda line: demand_standby(ground)
    )
    with WireProxy(ground.cluster.port, once) as proxy:
        url = proxy.through(ground.world.owner_url)
        pilot = Pilot(order(ground, url=url))
        saviour = Thread(target=_save, args=(ground, pilot))
        saviour.start()
        try:
            seen = pilot.wait()
        finally:
            saviour.join()
            do_without_standby(ground)
    ground.expect(seen.outcome != "ROLLED_BACK", "I3", f"rolled back: {seen.errors}")
    if seen.outcome == "NEEDS_DECISION":
        is_said = "Committed, not replicated" in seen.errors
        ground.expect(is_said, "I3", f"not said to be unreplicated: {seen.errors}")
    ground.counts[f"ended {seen.outcome}"] += 1
    return seen


def _save(ground: Ground, pilot: Pilot) -> None:
    """Let COMMITs go on some time after they have begun to hang."""
    with ground.admin("saviour") as conn:
        hanging_since = 0.0
        while not pilot.is_over:
            row = conn.execute(WAITS).fetchone()
            if row == (0,):
                hanging_since = 0.0
            elif not hanging_since:
                hanging_since = time.monotonic()
            elif time.monotonic() - hanging_since > HANGS_S:
                do_without_standby(ground)
                return
            time.sleep(0.05)


@contextmanager
def missing_standby(ground: Ground) -> Iterator[None]:
    demand_standby(ground)
    try:
        yield
    finally:
        do_without_standby(ground)


def demand_standby(ground: Ground) -> None:
    _reload(ground, "ALTER SYSTEM SET synchronous_standby_names = 'nosuch'", "nosuch")


def do_without_standby(ground: Ground) -> None:
    _reload(ground, "ALTER SYSTEM RESET synchronous_standby_names", "")


def _reload(ground: Ground, statement: str, wanted: str) -> None:
    """Return when every new session has it."""
    with ground.admin("experiment") as conn:
        conn.execute("SET synchronous_commit = local")
        conn.execute(statement.encode())
        conn.execute("SELECT pg_reload_conf()")
        while conn.execute("SHOW synchronous_standby_names").fetchone() != (wanted,):
            time.sleep(0.01)


EXPERIMENT = Experiment(
    "F07", "Synchronous standby missing", round_, rounds=10, reduced=2, is_quiet=True
)
