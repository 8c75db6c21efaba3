"""Filling rows in batches: all of them, and nobody waits for long."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg.errors import ForeignKeyViolation, LockNotAvailable

from flows.database.online.apply import apply_online
from flows.database.online.backfill import MOST_CHOICES, Backfill
from flows.database.online.crew import Crew
from flows.database.online.fence import held_fence
from flows.database.online.ground import BatchSize
from flows.database.online.journal import Journal
from flows.demo.world import World
from flows.migration.errors import ApplyFailed, LocksNotObtained, StatementFailed
from flows.migration.flight import Flight
from flows.migration.online.rewrite import plan_online
from flows.migration.progress import Progress
from tests.database.conftest import Bare, quiet
from tests.database.online.conftest import FlyOnline
from tests.database.online.test_apply import USERS, states
from tests.fix_migrations import Dump

AT_WORK = """
SELECT pid, wait_event_type = 'Lock' AS waits FROM pg_stat_activity
WHERE application_name LIKE 'pgflight step-2 %' AND datname = current_database()
"""
NAMED = """
ALTER TABLE platform.users ADD COLUMN greeting text;
UPDATE platform.users SET greeting = {} WHERE greeting IS NULL;
"""


def test_row_that_is_locked_for_a_while_is_waited_for(
    online: Flight, world: World, owner: psycopg.Connection
):
    """By trying again: a lock that is waited for holds up others too."""
    lock = "SELECT 1 FROM platform.users WHERE id = %s FOR UPDATE"
    with psycopg.connect(world.app_url) as app:

        def say(line: str) -> None:
            # The column is there; the backfill comes next.
            if "ADD COLUMN" in line:
                app.execute(lock, [world.smoke.user_id])
                threading.Timer(0.6, app.rollback).start()

        assert apply_online(online, say).rows == 450


def test_row_that_stays_locked_takes_everything_back(
    online: Flight,
    world: World,
    owner: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("flows.database.online.backfill.MOST_FAILURES", 2)
    lock = "SELECT 1 FROM platform.users WHERE id = %s FOR UPDATE"
    with psycopg.connect(world.app_url) as app:

        def say(line: str) -> None:
            if "ADD COLUMN" in line:
                app.execute(lock, [world.smoke.user_id])
            if "Taking back" in line:
                app.rollback()

        with pytest.raises(LocksNotObtained, match="users stayed locked"):
            apply_online(online, say)
    assert states(owner) == [("rolled_back", "online")]


def test_rows_that_are_emptied_again_end_it(
    bare: Bare, fly_online: FlyOnline, admin: psycopg.Connection, owner
):
    bare(NAMED.format("display_name"))
    admin.execute(
        "CREATE FUNCTION public.empty() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " NEW := json_populate_record(NEW, '{\"greeting\": null}'); RETURN NEW; END $$;"
        "CREATE TRIGGER empty BEFORE UPDATE ON platform.users"
        " FOR EACH ROW EXECUTE FUNCTION public.empty()"
    )
    with pytest.raises(ApplyFailed, match="still rows to fill after they were"):
        fly_online()
    assert states(owner) == [("rolled_back", "online")]


def test_value_whose_source_changes_is_filled_again(
    bare: Bare, fly_online: FlyOnline, owner: psycopg.Connection, monkeypatch
):
    """IS DISTINCT FROM finds rows again that we have filled, and rightly so."""
    owner.execute(
        "CREATE TABLE platform.plans AS SELECT id AS user_id, 'old' AS plan"
        " FROM platform.users"
    )
    value = "(SELECT p.plan FROM platform.plans AS p WHERE p.user_id = u.id)"
    bare(
        "ALTER TABLE platform.users ADD COLUMN plan text;\n"
        f"UPDATE platform.users AS u SET plan = {value}"
        f" WHERE u.plan IS DISTINCT FROM {value};"
    )
    changes = ["UPDATE platform.plans SET plan = 'new' WHERE user_id::text < '8'"]
    look = Backfill._look

    def change_and_look(*args: Any) -> Any:
        while changes:
            owner.execute(changes.pop().encode())
        return look(*args)

    monkeypatch.setattr(Backfill, "_look", change_and_look)
    fly_online()
    off = (
        "SELECT count(*) FROM platform.users AS u JOIN platform.plans AS p"
        " ON p.user_id = u.id WHERE p.plan IS DISTINCT FROM u.plan"
    )
    assert owner.execute(off).fetchone() == (0,)


def test_value_that_cannot_be_computed_takes_everything_back(
    bare: Bare, fly_online: FlyOnline, owner, dump_schema: Dump, ledger: None
):
    bare(NAMED.format("(1 / (length(email) - length(email)))::text"))
    before = dump_schema()
    with pytest.raises(StatementFailed) as caught:
        fly_online()
    assert "up.sql:3:1: division by zero (SQLSTATE 22012)" in caught.value.message
    assert dump_schema() == before
    assert states(owner) == [("rolled_back", "online")]


def test_several_workers_fill_the_same(
    online: Flight, owner: psycopg.Connection, fly_online: FlyOnline
):
    owner.execute("ALTER TABLE platform.users SET (fillfactor = 10)")
    assert apply_online(replace(online, workers=3), quiet).rows == 450
    done = "SELECT next_block > 0 FROM pgflight.step WHERE number = 2"
    assert owner.execute(done).fetchone() == (True,)
    assert len(owner.execute(USERS).fetchall()) == 500


def test_error_of_one_worker_is_everybodys(
    bare: Bare, make_flight, owner: psycopg.Connection
):
    bare(NAMED.format("(1 / (length(email) - length(email)))::text"))
    flight = replace(make_flight(strategy="online"), workers=3)
    with pytest.raises(StatementFailed, match="division by zero"):
        apply_online(flight, quiet)
    names = {thread.name for thread in threading.enumerate()}
    assert "pgflight-backfill" not in names


def test_tries_for_a_lock_are_no_tries_for_a_value(
    online: Flight, monkeypatch: pytest.MonkeyPatch
):
    """A row is locked for a while, and what was chosen for it is gone then."""
    locked, outdated = LockNotAvailable, ForeignKeyViolation
    errors: list[type[psycopg.Error]] = [*[locked] * (MOST_CHOICES + 1), outdated]
    fill = Backfill._try

    def fail_at_first(*args: Any) -> int:
        if errors:
            raise errors.pop(0)
        return fill(*args)

    monkeypatch.setattr(Backfill, "_try", fail_at_first)
    monkeypatch.setattr("random.uniform", lambda *limits: 0.0)
    assert apply_online(online, quiet).rows == 450


def test_deployer_that_hangs_gives_the_rows_of_its_batch_back(
    online: Flight, admin: psycopg.Connection, monkeypatch
):
    """Stopped between the UPDATE and the COMMIT, with the rows locked."""
    monkeypatch.setattr("flows.database.online.backfill.IDLE_LIMIT_MS", 300)
    hung: list[float] = []
    advance = Journal.advance

    def hang(*args: Any) -> None:
        if not hung:
            admin.execute("SET statement_timeout = '3s'")
            started = time.monotonic()
            with suppress(psycopg.errors.QueryCanceled):
                admin.execute("UPDATE platform.users SET display_name = 'x'")
            hung.append(time.monotonic() - started)
        advance(*args)

    monkeypatch.setattr(Journal, "advance", hang)
    assert apply_online(online, quiet).rows == 450
    assert hung[0] < 2


def test_partitions_are_filled(
    bare: Bare, fly_online: FlyOnline, owner: psycopg.Connection
):
    owner.execute(
        "CREATE TABLE platform.log (id int, at int) PARTITION BY LIST (at);"
        "CREATE TABLE platform.log1 PARTITION OF platform.log FOR VALUES IN (1);"
        "CREATE TABLE platform.log2 PARTITION OF platform.log FOR VALUES IN (2);"
        "INSERT INTO platform.log SELECT n, 1 + n % 2 FROM generate_series(1, 999) n"
    )
    bare(
        "ALTER TABLE platform.log ADD COLUMN note text;\n"
        "UPDATE platform.log SET note = 'x' WHERE note IS NULL;"
    )
    assert fly_online().rows == 999


def test_rows_of_partitions_at_the_same_place_are_all_filled(
    bare: Bare, fly_online: FlyOnline, owner: psycopg.Connection, monkeypatch
):
    """More are left than are filled one by one, at fewer places than that: as when a
    run goes on after the end of its first pass."""
    owner.execute("CREATE TABLE platform.log (id int, at int) PARTITION BY LIST (at)")
    for at, size in ((1, 300), (2, 600), (3, 1_000)):
        owner.execute(
            f"CREATE TABLE platform.log{at} PARTITION OF platform.log"
            f" FOR VALUES IN ({at})"
        )
        owner.execute(
            "INSERT INTO platform.log SELECT n, %s FROM generate_series(1, %s) AS n",
            [at, size],
        )
    bare(
        "ALTER TABLE platform.log ADD COLUMN note text;\n"
        "UPDATE platform.log SET note = 'x' WHERE note IS NULL;"
    )
    skipped: list[int] = []
    run_through = Backfill.run_through

    def skip_the_first(self: Backfill, low: int) -> None:
        if skipped:
            run_through(self, low)
        skipped.append(low)

    monkeypatch.setattr(Backfill, "run_through", skip_the_first)
    fly_online()
    left = "SELECT count(*) FROM platform.log WHERE note IS NULL"
    assert owner.execute(left).fetchone() == (0,)


def test_look_takes_longer_than_the_role_may_otherwise(
    online: Flight, admin: psycopg.Connection, world: World
):
    admin.execute(f"ALTER DATABASE {world.database} SET statement_timeout = '200ms'")
    step = plan_online(online.migration.up)[0]
    slow = (
        "SELECT ctid, xmin FROM platform.users"
        " WHERE id IS NULL OR pg_catalog.pg_sleep(0.001) IS NULL"
    )
    with held_fence(online) as fence:
        crew = Crew(online, fence, Journal(online), quiet)
        Backfill(crew, replace(step, table="platform.users"), "").settle(slow)


def test_progress_is_said(
    bare: Bare, make_flight, admin: psycopg.Connection, monkeypatch
):
    monkeypatch.setattr("flows.database.online.meter.SAY_EVERY_S", 0.0)
    bare(NAMED.format("display_name"))
    said: list[str] = []
    apply_online(make_flight(strategy="online"), said.append)
    seen = [line for line in said if isinstance(line, Progress)]
    assert [line.share for line in seen] == sorted(line.share for line in seen)
    assert seen[-1].is_over and "500 rows" in seen[-1]


def test_backfill_gives_way_to_a_standby_that_lags(
    online: Flight, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("flows.database.online.pressure.LAG_S", -1.0)
    monkeypatch.setattr("flows.database.online.pressure.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("flows.database.online.pressure.LONGEST_PAUSE_S", 0.05)
    said: list[str] = []
    started = time.monotonic()
    apply_online(online, said.append)
    pauses = [line for line in said if "paused, a standby is" in line]
    assert pauses and time.monotonic() - started > 0.05


def test_interruption_does_not_wait_for_workers_that_give_way(
    online: Flight, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("flows.database.online.pressure.LAG_S", -1.0)
    monkeypatch.setattr("flows.database.online.pressure.LOOK_EVERY_S", 0.1)
    monkeypatch.setattr("flows.database.online.pressure.LONGEST_PAUSE_S", 15)
    monkeypatch.setattr(
        "flows.database.online.backfill.BatchSize", partial(BatchSize, 1)
    )
    paused: set[int] = set()

    def say(line: str) -> None:
        if "paused" in line:
            paused.add(threading.get_ident())
        is_mine = threading.current_thread() is threading.main_thread()
        if len(paused) == 2 and is_mine:
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        apply_online(replace(online, workers=2), say)
    assert time.monotonic() - started < 10


@pytest.fixture
def interrupt() -> Iterator[Callable[[], None]]:
    """Interrupts the main thread, as Prefect's cancellation does; called in another."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    ident = threading.main_thread().ident
    assert ident
    before = signal.signal(signal.SIGTERM, stop)
    yield partial(signal.pthread_kill, ident, signal.SIGTERM)
    signal.signal(signal.SIGTERM, before)


def test_interruption_does_not_wait_for_rows_that_stay_locked(
    online: Flight,
    world: World,
    owner: psycopg.Connection,
    interrupt: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
):
    """Each worker would try for a minute, and the way back is what waits for it."""
    monkeypatch.setattr(
        "flows.database.online.backfill.BatchSize", partial(BatchSize, 1)
    )
    waited: set[int] = set()
    left: set[int] = set()

    def look() -> bool:
        left.clear()
        for pid, waits in owner.execute(AT_WORK).fetchall():
            left.add(pid)
            # A try waits for 30 ms only: who has waited once is at work.
            waited.update([pid] if waits else [])
        return len(waited) == 2

    def wait_until(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not is_so() and time.monotonic() < deadline:
            time.sleep(0.01)

    with psycopg.connect(world.app_url) as app:

        def meanwhile() -> None:
            wait_until(look)
            interrupt()
            wait_until(lambda: look() and not left)
            app.rollback()

        def say(line: str) -> None:
            if "ADD COLUMN" in line:
                app.execute("SELECT 1 FROM platform.users FOR UPDATE")
                threading.Thread(target=meanwhile).start()

        with pytest.raises(KeyboardInterrupt):
            apply_online(replace(online, workers=2), say)
    assert (len(waited), left) == (2, set())


def test_backfill_gives_way_to_the_archive(
    online: Flight, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("flows.database.online.pressure.UNARCHIVED", -1)
    monkeypatch.setattr("flows.database.online.pressure.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("flows.database.online.pressure.LONGEST_PAUSE_S", 0.05)
    said: list[str] = []
    apply_online(online, said.append)
    assert any("WAL segments wait for their archive" in line for line in said)


def test_role_that_may_not_see_the_archive_does_without(
    online: Flight, admin: psycopg.Connection
):
    admin.execute("REVOKE pg_monitor FROM platform_owner")
    try:
        assert apply_online(online, quiet).rows == 450
    finally:
        admin.execute("GRANT pg_monitor TO platform_owner")
