"""A deployer that is killed at any point: the next run completes what it began."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg
import pytest

from flows.database.online.apply import apply_online
from flows.database.online.brief import STEP_KEY
from flows.demo.world import World
from flows.migration.errors import Busy
from flows.migration.flight import Flight
from flows.migration.report import Applied
from tests.database.online.conftest import FlyOnline, Pilot
from tests.database.online.test_apply import STEPS, USERS, states
from tests.fix_migrations import Dump, Run

SLOW_ROWS = """
CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE UPDATE ON platform.users
  FOR EACH ROW EXECUTE FUNCTION public.slow();
"""
STEP_IS_RUNNING = """
SELECT count(*) > 0 FROM pg_stat_activity
WHERE application_name LIKE %s AND query LIKE %s AND state = 'active'
  AND wait_event_type = %s
"""

IS_THERE = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE %s"


@pytest.fixture
def expected(run: Run, owner: psycopg.Connection, dump_schema: Dump):
    """The schema and rows that one transaction gives; then all is as before."""
    run("008_active_org/up.sql")
    result = dump_schema(), owner.execute(USERS).fetchall()
    run("008_active_org/down.sql")
    return result


@pytest.fixture
def is_complete(
    expected: object, owner: psycopg.Connection, dump_schema: Dump
) -> Callable[[], bool]:
    """Whether the database is what one transaction would have made of it."""

    def ask() -> bool:
        owner.execute("DROP SCHEMA pgflight CASCADE")
        return (dump_schema(), owner.execute(USERS).fetchall()) == expected

    return ask


def fly_when_free(fly_online: FlyOnline) -> Applied:
    """The server may need a moment to notice that the killed process is gone."""
    for _ in range(50):
        with suppress(Busy):
            return fly_online()
        time.sleep(0.1)
    raise AssertionError("somebody else still holds the fence")


def kill_during(
    admin: psycopg.Connection, pilot: Pilot, step: int, query: str, waits: str
) -> None:
    """Kill a pilot while that step runs such a query, and waits in it for something.

    Returns when the server has noticed, which it looks for every 500 ms: what the step
    waited for must not come in between.
    """
    name = f"pgflight step-{step} %"
    with pilot() as process:
        for _ in range(300):
            row = admin.execute(STEP_IS_RUNNING, [name, query, waits]).fetchone()
            if row and row[0]:
                break
            time.sleep(0.05)
        process.kill()
        assert row == (True,)
    deadline = time.monotonic() + 10
    while admin.execute(IS_THERE, [name]).fetchone() != (0,):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_killed_after_a_step(
    pilot: Pilot,
    fly_online: FlyOnline,
    is_complete: Callable[[], bool],
    owner: psycopg.Connection,
    step: int,
):
    with pilot(kill_after=step) as process:
        assert process.wait() == -signal.SIGKILL
    assert states(owner) == [("applying", "online")]
    applied = fly_when_free(fly_online)
    assert applied.rows == 450
    assert states(owner) == [("applied", "online")]
    assert is_complete()


def test_killed_in_mid_backfill(
    pilot: Pilot,
    fly_online: FlyOnline,
    is_complete: Callable[[], bool],
    admin: psycopg.Connection,
    owner: psycopg.Connection,
):
    admin.execute(SLOW_ROWS)
    kill_during(admin, pilot, 2, "UPDATE%", "Timeout")
    filled = owner.execute("SELECT rows FROM pgflight.step WHERE number = 2").fetchone()
    assert filled is not None and filled[0] < 450
    admin.execute("DROP FUNCTION public.slow() CASCADE")
    assert fly_when_free(fly_online).rows == 450
    assert is_complete()


def test_killed_in_mid_index_build(
    pilot: Pilot,
    fly_online: FlyOnline,
    is_complete: Callable[[], bool],
    admin: psycopg.Connection,
    world: World,
):
    """The invalid index that it leaves is not taken for the real one."""
    with psycopg.connect(world.app_url) as old:
        # CREATE INDEX CONCURRENTLY waits for older snapshots.
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT 1 FROM platform.organizations LIMIT 1")
        kill_during(admin, pilot, 3, "CREATE INDEX%", "Lock")
    wreck = admin.execute(
        "SELECT indisvalid FROM pg_index"
        " WHERE indexrelid = 'platform.idx_users_active_org'::regclass"
    ).fetchone()
    assert wreck == (False,)
    fly_when_free(fly_online)
    assert is_complete()


def test_killed_while_it_waits_for_a_lock(
    pilot: Pilot,
    fly_online: FlyOnline,
    is_complete: Callable[[], bool],
    admin: psycopg.Connection,
    world: World,
):
    with psycopg.connect(world.app_url) as reader:
        reader.execute("SELECT 1 FROM platform.users LIMIT 1")
        kill_during(admin, pilot, 1, "ALTER TABLE%", "Lock")
    fly_when_free(fly_online)
    assert is_complete()


def test_nothing_of_the_killed_one_is_left(
    pilot: Pilot, admin: psycopg.Connection, world: World
):
    admin.execute(SLOW_ROWS)
    kill_during(admin, pilot, 2, "UPDATE%", "Timeout")
    deadline = time.monotonic() + 10
    while admin.execute(IS_THERE, ["pgflight %"]).fetchone() != (0,):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def hold_step_key(world: World, release_after_s: float) -> threading.Timer:
    """As a step of a killed run does until the server notices."""
    name = "pgflight step-1 00000000-0000-4000-8000-000000000000 008"
    lingering = psycopg.connect(world.owner_url, application_name=name)
    lingering.execute("SELECT pg_advisory_xact_lock(%s)", [STEP_KEY])
    timer = threading.Timer(release_after_s, lingering.close)
    timer.start()
    return timer


def test_step_of_a_killed_run_is_waited_for(
    fly_online: FlyOnline, world: World, owner: psycopg.Connection
):
    timer = hold_step_key(world, 1)
    assert fly_online().rows == 450
    assert states(owner) == [("applied", "online")]
    timer.join()


def test_step_of_another_run_takes_nothing_back(
    online: Flight, world: World, owner: psycopg.Connection
):
    """It came while this one was at work; the next run goes on."""
    timers: list[threading.Timer] = []

    def say(line: str) -> None:
        if "CREATE INDEX" in line:
            timers.append(hold_step_key(world, 1))

    with pytest.raises(Busy):
        apply_online(online, say)
    assert states(owner) == [("applying", "online")]
    assert owner.execute("SELECT count(*) FROM pgflight.step").fetchone() != (0,)
    timers[0].join()
    kept = "SELECT count(active_org_id) FROM platform.users"
    assert owner.execute(kept).fetchone() == (450,)
