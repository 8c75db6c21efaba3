"""The ladder: what is tried again, what is not, and what others feel of it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.attempt import Committed, Work, _sorted, commit_once
from flows.database.connection import Conn
from flows.database.ledger import FENCE_KEY
from flows.database.transaction import FencedTransaction
from flows.demo.world import World
from flows.migration.errors import (
    ApplyFailed,
    BudgetExceeded,
    Busy,
    Inconclusive,
    LocksNotObtained,
    QueryFailed,
    StatementFailed,
)
from flows.migration.flight import Flight
from flows.migration.ladder import Rung
from tests.database.conftest import HASTY, backend_count, quiet
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump

LOCK = "LOCK TABLE platform.users IN ACCESS EXCLUSIVE MODE"


def run_sql(*statements: str) -> Work[int]:
    """Work that runs SQL and counts its attempts."""
    attempts: list[int] = []

    def run(transaction: FencedTransaction) -> int:
        attempts.append(1)
        transaction.start_clock()
        for statement in statements:
            with transaction.step("up.sql:1:1", statement):
                transaction.conn.execute(statement.encode())
        return len(attempts)

    return Work("apply", ("platform.users",), run, lambda conn: False)


@contextmanager
def reader(world: World, release_after_s: float = 60) -> Iterator[None]:
    """A session that has read platform.users and stays in its transaction."""
    with psycopg.connect(world.app_url, application_name="slow report") as conn:
        conn.execute("SELECT 'secret' FROM platform.users LIMIT 1")
        timer = threading.Timer(release_after_s, conn.close)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def test_first_attempt_commits(flight: Flight):
    committed = commit_once(flight, run_sql(LOCK), quiet, HASTY)
    assert (committed.attempt, committed.result) == (1, 1)


def test_blocker_that_leaves_is_outlasted(flight: Flight, world: World):
    said: list[str] = []
    with reader(world, release_after_s=0.25):
        committed = commit_once(flight, run_sql(LOCK), said.append, HASTY)
    assert committed.attempt > 1
    assert said[0].startswith("Attempt 1 of 3: a lock was not to be had in 100 ms")


def test_wait_for_an_attempt_that_failed_is_reported(flight: Flight, world: World):
    """Whoever comes after us queues behind us, also when we get nothing."""
    read = "SELECT 1 FROM platform.users LIMIT 1"
    with (
        psycopg.connect(world.app_url, autocommit=True) as app,
        reader(world, release_after_s=0.7),
    ):
        innocent = threading.Timer(0.2, app.execute, args=(read,))
        innocent.start()
        committed = commit_once(flight, run_sql(LOCK), quiet, (Rung(500, 400),) * 2)
        innocent.join()
    assert committed.attempt == 2
    assert flight.report.waits_in_vain.longest_ms > 100


def test_blocker_that_stays_is_named(flight: Flight, world: World):
    with reader(world), pytest.raises(LocksNotObtained) as caught:
        commit_once(flight, run_sql(LOCK), quiet, HASTY)
    assert "Gave up after 3 attempts" in caught.value.message
    assert "slow report of platform_app, idle in transaction" in caught.value.help
    assert "secret" not in caught.value.help


def test_given_up_ladder_leaves_nothing(
    flight: Flight, world: World, dump_schema: Dump, admin
):
    before = dump_schema()
    with reader(world), pytest.raises(LocksNotObtained):
        commit_once(flight, run_sql("CREATE TABLE platform.t ()", LOCK), quiet, HASTY)
    assert dump_schema() == before
    assert backend_count(admin, "apply") == 0


def test_innocent_reader_waits_no_longer_than_the_rung(
    flight: Flight, world: World, app: psycopg.Connection
):
    longest = 0.0
    over = threading.Event()

    def read() -> None:
        nonlocal longest
        while not over.wait(0.01):
            started = time.monotonic()
            app.execute("SELECT 1 FROM platform.users LIMIT 1")
            longest = max(longest, time.monotonic() - started)

    innocent = threading.Thread(target=read)
    innocent.start()
    with reader(world), pytest.raises(LocksNotObtained):
        commit_once(flight, run_sql(LOCK), quiet, (Rung(300, 0),))
    over.set()
    innocent.join()
    assert 0.1 < longest < 0.3 + 0.2


def test_deadlock_is_tried_again(flight: Flight, admin: psycopg.Connection):
    admin.execute("SET deadlock_timeout = '10s'")
    has_users = threading.Event()

    def partner() -> None:
        with admin.transaction():
            admin.execute("LOCK TABLE platform.organizations IN SHARE MODE")
            has_users.wait(5)
            admin.execute("LOCK TABLE platform.users IN SHARE MODE")

    def run(transaction: FencedTransaction) -> None:
        transaction.conn.execute(LOCK.encode())
        has_users.set()
        transaction.conn.execute("LOCK TABLE platform.organizations IN EXCLUSIVE MODE")

    thread = threading.Thread(target=partner)
    thread.start()
    time.sleep(0.1)
    work = Work("apply", (), run, lambda conn: False)
    committed: Committed[None] = commit_once(
        flight, work, quiet, (Rung(3_000, 50), Rung(3_000, 0))
    )
    thread.join()
    assert committed.attempt == 2


def test_collision_in_the_catalogue_is_tried_again(flight: Flight, owner):
    create = "CREATE TABLE IF NOT EXISTS platform.t ()"
    owner.execute("BEGIN")
    owner.execute(create.encode())
    threading.Timer(0.1, lambda: owner.execute("COMMIT")).start()
    committed = commit_once(flight, run_sql(create), quiet, (Rung(5_000, 0),) * 2)
    assert committed.attempt == 2


def test_unique_violation_of_a_table_is_not_tried_again(flight: Flight):
    statement = "INSERT INTO platform.users SELECT * FROM platform.users LIMIT 1"
    with pytest.raises(QueryFailed, match="users_pkey"):
        commit_once(flight, run_sql(statement), quiet, HASTY)


def test_lost_connection_is_tried_again(flight: Flight):
    tries: list[int] = []

    def run(transaction: FencedTransaction) -> None:
        tries.append(1)
        if len(tries) == 1:
            transaction.conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    work = Work("apply", (), run, lambda conn: False)
    assert commit_once(flight, work, quiet, HASTY).attempt == 2


def test_connection_lost_each_time_is_given_up(flight: Flight):
    kill = run_sql("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(LocksNotObtained, match="3 attempts"):
        commit_once(flight, kill, quiet, HASTY)


@pytest.mark.parametrize(
    "statement", ["COMMIT", "ROLLBACK", "COMMIT; BEGIN", "BEGIN", "COMMIT AND CHAIN"]
)
def test_tripwire_catches(flight: Flight, statement: str):
    with pytest.raises(Inconclusive, match=r"^up.sql:1:1: the statement ended"):
        commit_once(flight, run_sql("SELECT 1", statement), quiet, HASTY)


def test_tripwire_lets_savepoints_pass(flight: Flight):
    text = "SAVEPOINT a; CREATE TABLE platform.t (); ROLLBACK TO a; RELEASE a"
    assert commit_once(flight, run_sql(text), quiet, HASTY).attempt == 1


def test_other_deployer_is_busy(flight: Flight, make_flight: MakeFlight):
    def run(transaction: FencedTransaction) -> None:
        with pytest.raises(Busy, match=f"pgflight apply {flight.run_id} 008"):
            commit_once(make_flight(), run_sql("SELECT 1"), quiet, HASTY)

    commit_once(flight, Work("apply", (), run, lambda conn: False), quiet, HASTY)


def test_own_lingering_attempt_is_waited_for(flight: Flight, owner):
    name = f"pgflight apply {flight.run_id} 008"
    owner.execute("SELECT set_config('application_name', %s, false)", [name])
    owner.execute("BEGIN")
    owner.execute("SELECT pg_advisory_xact_lock(%s)", [FENCE_KEY])
    threading.Timer(0.08, lambda: owner.execute("COMMIT")).start()
    assert commit_once(flight, run_sql("SELECT 1"), quiet, HASTY).attempt > 1


def test_five_first_deployers_race_and_one_wins(make_flight: MakeFlight, owner):
    flights = [make_flight() for _ in range(5)]
    results: list[str] = []
    start = threading.Barrier(5)

    def race(flight: Flight) -> None:
        start.wait()
        try:
            apply(flight, quiet)
            results.append("won")
        except Exception as error:
            results.append(type(error).__name__)

    racers = [threading.Thread(target=race, args=(flight,)) for flight in flights]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert results.count("won") == 1
    assert set(results) <= {"won", "Busy", "Blocked"}
    assert owner.execute("SELECT count(*) FROM pgflight.run").fetchone() == (1,)


def test_waiter_is_reported(flight: Flight, app: psycopg.Connection):
    def run(transaction: FencedTransaction) -> None:
        transaction.conn.execute(LOCK.encode())
        query = "SELECT 1 FROM platform.users LIMIT 1"
        threading.Thread(target=app.execute, args=(query,)).start()
        time.sleep(0.3)

    work = Work("apply", (), run, lambda conn: False)
    waits = commit_once(flight, work, quiet, HASTY).waits
    assert waits.sessions == 1
    assert 150 < waits.longest_ms < 600


def test_statement_failed_is_not_tried_again(make_flight: MakeFlight, bare):
    bare("SELECT 1/0")
    said: list[str] = []
    with pytest.raises(StatementFailed):
        apply(make_flight(), said.append)
    assert said == []


@pytest.mark.parametrize(
    ("by_watcher", "kind"), [(True, BudgetExceeded), (False, ApplyFailed)]
)
def test_cancelled_statement_is_the_budget_only_if_the_watcher_did_it(
    flight: Flight, conn: Conn, owner: psycopg.Connection, by_watcher: bool, kind: type
):
    pid = conn.info.backend_pid
    threading.Timer(0.1, owner.execute, ("SELECT pg_cancel_backend(%s)", [pid])).start()
    with pytest.raises(psycopg.errors.QueryCanceled) as caught:
        conn.execute("SELECT pg_sleep(10)")
    modern = replace(flight, identity=replace(flight.identity, version_num=170_000))
    error = _sorted(caught.value, modern, HASTY[0], by_watcher)
    assert type(error) is kind
