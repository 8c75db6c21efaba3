"""F7: COMMIT waits for a synchronous standby that is not there."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.ground import Ground
from tests.faults.oracle import look
from tests.faults.pilot import Pilot, Seen
from tests.faults.proxy import Deed, Once, WireProxy
from tests.faults.route import Point, at

WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
HANGS_S = 3.0
"""How long the COMMIT hangs before the standby is done without."""

IMPATIENT = {"flows.database.standby.MOST_PATIENCE_MS": 1_500}
UNREPLICATED = (
    "Committed, not replicated: no synchronous standby has confirmed it, and a failover"
    " now would lose it."
)
NEEDS_DECISION = 40
"""The exit code, as it is promised."""


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    return [ARMS[turn.number % len(ARMS)](ground)]


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
    with standby_that_goes_away(ground) as url:
        pilot = Pilot(order(ground, url=url))
        saviour = Thread(target=_save, args=(ground, pilot))
        saviour.start()
        try:
            seen = pilot.wait()
        finally:
            saviour.join()
    ground.expect(seen.outcome != "ROLLED_BACK", "I3", f"rolled back: {seen.errors}")
    if seen.outcome == "NEEDS_DECISION":
        is_said = "Committed, not replicated" in seen.errors
        ground.expect(is_said, "I3", f"not said to be unreplicated: {seen.errors}")
    ground.counts[f"ended {seen.outcome}"] += 1
    return seen


def never_comes(ground: Ground) -> Seen:
    """Nobody saves it: the change is there, a failover would lose it, and that is said.

    Once COMMITs are confirmed again, or nobody is to confirm them, it goes on.
    """
    with standby_that_goes_away(ground) as url:
        seen = Pilot(order(ground, url=url, settings=IMPATIENT)).wait()
    is_said = UNREPLICATED in " ".join(seen.errors.split())
    is_left = seen.outcome == "NEEDS_DECISION" and is_said
    ground.expect(is_left, "I3", f"ended {seen.outcome}: {seen.errors}")
    code = seen.report.exit_code if seen.report else None
    ground.expect(code == NEEDS_DECISION, "I3", f"exit code {code}")
    is_there = ground.fingerprint() == ground.field.after
    ground.expect(is_there, "I1", "it was taken back")
    ground.found += look(ground, [seen])
    ground.counts[f"never comes: ended {seen.outcome}"] += 1
    again = fly(ground)
    ground.expect(again.outcome == "DEPLOYED", "I3", f"then {again.outcome}")
    return again


ARMS = refused, hangs, never_comes


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
def standby_that_goes_away(ground: Ground) -> Iterator[str]:
    """Once preflight has looked; the way to the database by which that happens."""
    once = Once(
        at(Point("apply 008", 1)), Deed.PASS, lambda line: demand_standby(ground)
    )
    with WireProxy(ground.cluster.port, once) as proxy:
        try:
            yield proxy.through(ground.world.owner_url)
        finally:
            do_without_standby(ground)
    ground.expect(once.is_done, "I3", "nothing was applied")


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
    "F07", "Synchronous standby missing", round_, rounds=15, reduced=3, is_quiet=True
)
