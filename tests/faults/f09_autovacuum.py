"""F9: autovacuum is at work on the table, slowly; or it must not be disturbed."""

import time
from contextlib import suppress

import psycopg

from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, order
from tests.faults.ground import Ground
from tests.faults.hasty import LADDER
from tests.faults.pilot import Pilot, Seen

SLOW = """
ALTER TABLE platform.users SET (
    autovacuum_enabled = true, autovacuum_vacuum_threshold = 1,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100,
    autovacuum_vacuum_cost_limit = 1
)
"""
AS_BEFORE = """
ALTER TABLE platform.users RESET (
    autovacuum_enabled, autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_cost_delay, autovacuum_vacuum_cost_limit,
    autovacuum_freeze_max_age
)
"""
OLD = "ALTER TABLE platform.users SET (autovacuum_freeze_max_age = 100000)"
AGE = """
DO $$ BEGIN
    FOR n IN 1..100100 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP;
END $$
"""
AT_WORK = """
SELECT pid FROM pg_stat_activity
WHERE backend_type = 'autovacuum worker' AND datname = current_database()
  AND query LIKE %s
"""
END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'autovacuum worker' AND datname = current_database()
  AND query LIKE %s
"""
COMES_S = 60.0


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    # The second of the tests' two rounds, and the fourth of each four.
    is_old = turn.number % 4 == (1 if turn.is_reduced else 3)
    with ground.admin("experiment") as conn:
        try:
            conn.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
            conn.execute("SELECT pg_reload_conf()")
            make_busy(ground, is_old)
            seen = fly_past(ground, turn, is_old)
        finally:
            conn.execute("ALTER SYSTEM RESET autovacuum_naptime")
            conn.execute("SELECT pg_reload_conf()")
            leave_as_before(conn)
    return [seen]


def leave_as_before(conn: psycopg.Connection) -> None:
    """One that must not be disturbed keeps even this waiting."""
    conn.execute("SET lock_timeout = '200ms'")
    while True:
        conn.execute(END, ["%platform.users%"])
        with suppress(psycopg.errors.LockNotAvailable):
            conn.execute(AS_BEFORE)
            return


def make_busy(ground: Ground, is_old: bool) -> None:
    """Let an autovacuum begin, and go on for as long as it is let."""
    with ground.admin("experiment") as conn:
        conn.execute("SET synchronous_commit = off")
        conn.execute(SLOW)
        if is_old:
            conn.execute(OLD)
            conn.execute(AGE)
        conn.execute("UPDATE platform.users SET updated_at = updated_at")
        wanted = "%platform.users%" + ("wraparound%" if is_old else "")
        deadline = time.monotonic() + COMES_S
        while not conn.execute(AT_WORK, [wanted]).fetchall():
            assert time.monotonic() < deadline, "no autovacuum has come"
            time.sleep(0.05)


def fly_past(ground: Ground, turn: Turn, is_old: bool) -> Seen:
    strategy: Wish = "online" if turn.number % 2 else "transactional"
    settings = LADDER if turn.is_reduced or turn.number else {}
    seen = Pilot(order(ground, strategy=strategy, settings=settings)).wait()
    if is_old:
        is_named = seen.outcome == "BLOCKED" and "wraparound" in seen.errors
        ground.expect(is_named, "I3", f"wraparound: {seen.outcome}: {seen.errors}")
    else:
        ground.expect(
            seen.outcome == "DEPLOYED", "I3", f"ended {seen.outcome}: {seen.errors}"
        )
    return seen


EXPERIMENT = Experiment(
    "F09", "Autovacuum at work, slowly", round_, rounds=8, reduced=2
)
