"""The watcher: it sees who waits on us, and never gets in the way."""

import threading
import time
import tracemalloc

import psycopg
import pytest
from pydantic import SecretStr

from flows.database.connection import Conn
from flows.database.watcher import Watcher
from flows.migration.target import Target
from tests.database.conftest import backend_count

LOCK = "LOCK TABLE platform.users IN ACCESS EXCLUSIVE MODE"
READ = "SELECT 1 FROM platform.users LIMIT 1"


def test_nobody_waits(conn: Conn, target: Target):
    with Watcher(target, "test", conn.info.backend_pid, 10_000) as watcher:
        time.sleep(0.2)
    assert (watcher.waits.sessions, watcher.waits.longest_ms) == (0, 0)
    assert watcher.waits.samples > 1


def test_waiter_and_its_time_are_seen(
    conn: Conn, target: Target, app: psycopg.Connection
):
    conn.execute(LOCK)
    with Watcher(target, "test", conn.info.backend_pid, 10_000) as watcher:
        waiter = threading.Thread(target=app.execute, args=(READ,))
        waiter.start()
        time.sleep(0.4)
        conn.rollback()
        waiter.join()
    assert watcher.waits.sessions == 1
    assert 250 < watcher.waits.longest_ms < 600


def test_waiter_of_somebody_else_is_not_ours(
    conn: Conn, target: Target, admin: psycopg.Connection, app: psycopg.Connection
):
    waiter = threading.Thread(target=app.execute, args=(READ,))
    with Watcher(target, "test", conn.info.backend_pid, 10_000) as watcher:
        with admin.transaction():
            admin.execute(LOCK)
            waiter.start()
            time.sleep(0.2)
        waiter.join()
    assert watcher.waits.sessions == 0


def test_watcher_survives_its_connections_death(
    conn: Conn, target: Target, admin: psycopg.Connection, monkeypatch
):
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'pgflight watch test'"
    )
    monkeypatch.setattr("flows.database.watcher.RECONNECT_S", 0.1)
    with Watcher(target, "test", conn.info.backend_pid, 10_000) as watcher:
        time.sleep(0.2)
        admin.execute(kill)
        time.sleep(0.05)
        samples = watcher.waits.samples
        time.sleep(0.5)
    assert watcher.waits.samples > samples + 3


def test_memory_does_not_grow_with_the_waits(conn: Conn, target: Target):
    """A backfill of hours keeps many sessions waiting, each for a moment."""
    watcher = Watcher(target, "test", conn.info.backend_pid, 10_000)
    seen = {"pid": 1, "mode": "ShareLock", "relation": None, "waited_ms": 5}
    tracemalloc.start()
    for moment in range(20_000):
        watcher._sample(conn, [{**seen, "waitstart": moment}])
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 1_000_000
    assert (watcher.waits.sessions, watcher.waits.samples) == (1, 20_000)


def test_watcher_that_cannot_connect_saw_nothing():
    nowhere = Target(SecretStr("postgresql://a@127.0.0.1:9/x"))
    with Watcher(nowhere, "test", 1, 10_000) as watcher:
        pass
    assert watcher.waits.samples == 0


def test_watcher_is_gone_after_the_block(
    conn: Conn, target: Target, admin: psycopg.Connection
):
    with Watcher(target, "test", conn.info.backend_pid, 10_000):
        time.sleep(0.1)
        assert backend_count(admin, "watch test") == 1
    names = {thread.name for thread in threading.enumerate()}
    assert "pgflight-watcher" not in names


def test_statement_is_cancelled_when_an_application_waits_too_long(
    conn: Conn, target: Target, app: psycopg.Connection
):
    conn.execute(LOCK)
    waiter = threading.Thread(target=app.execute, args=(READ,))
    with Watcher(target, "test", conn.info.backend_pid, 200) as watcher:
        waiter.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            conn.execute("SELECT pg_sleep(10)")
        conn.rollback()
        waiter.join()
    assert watcher.has_cancelled
    assert watcher.waits.longest_for == "AccessShareLock on platform.users"


def test_nobody_is_cancelled_for_a_schema_change(
    conn: Conn, target: Target, owner: psycopg.Connection
):
    conn.execute("LOCK TABLE platform.users IN SHARE UPDATE EXCLUSIVE MODE")
    waiter = threading.Thread(target=owner.execute, args=("ANALYZE platform.users",))
    with Watcher(target, "test", conn.info.backend_pid, 100) as watcher:
        waiter.start()
        conn.execute("SELECT pg_sleep(0.4)")
        conn.rollback()
        waiter.join()
    assert (watcher.has_cancelled, watcher.waits.sessions) == (False, 1)


def test_commit_is_not_cancelled(conn: Conn, target: Target, app: psycopg.Connection):
    conn.execute(LOCK)
    waiter = threading.Thread(target=app.execute, args=(READ,))
    with Watcher(target, "test", conn.info.backend_pid, 100) as watcher:
        watcher.may_cancel = False
        waiter.start()
        conn.execute("SELECT pg_sleep(0.4)")
        conn.rollback()
        waiter.join()
    assert not watcher.has_cancelled
