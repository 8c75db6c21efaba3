"""Preflight of what belongs to a whole server: standbys, and its own autovacuum.

With servers of its own, because other tests would feel it.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from flows.database.preflight.clearance import clear
from flows.demo.server import PostgresServer
from flows.demo.world import World, create_world
from flows.migration.finding import Finding, Level
from flows.migration.strategy import Terms
from flows.migration.target import target_from_environment
from flows.resources import SQL
from tests.database.preflight.conftest import blocking, one
from tests.fix_flight import NO_ENDPOINT
from tests.fix_server import SERVER_BIN
from tests.standby import can_connect, standby_of

TIMEOUT_S = 20.0


@pytest.fixture(scope="module")
def primary() -> Iterator[PostgresServer]:
    settings = {"autovacuum_naptime": "1s"}
    with PostgresServer(Path(SERVER_BIN) if SERVER_BIN else None, settings) as server:
        yield server


@pytest.fixture(scope="module")
def world(primary: PostgresServer) -> World:
    """One world for all tests here: none of them changes its schema."""
    return create_world(primary, 500, "world")


@pytest.fixture
def admin(primary: PostgresServer, world: World) -> Iterator[psycopg.Connection]:
    """A superuser's session, whose ALTER SYSTEM is taken back."""
    with psycopg.connect(primary.url("world"), autocommit=True) as admin:
        yield admin
        admin.execute("ALTER SYSTEM RESET ALL")
        admin.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="module")
def standby(primary: PostgresServer, world: World) -> Iterator[str]:
    """The URL of the world on a standby, as the deploying role."""
    with standby_of(primary) as port:
        url = world.owner_url.replace(f":{primary.port}/", f":{port}/")
        wait_until(lambda: can_connect(url))
        yield url


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def look(world: World, **changes: str) -> list[Finding]:
    environment = world.environment(NO_ENDPOINT) | changes
    return clear(
        SQL / "migrations",
        "008",
        partial(target_from_environment, environment),
        Terms(),
    ).findings


def change_setting(admin: psycopg.Connection, name: str, value: str) -> None:
    admin.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    admin.execute("SELECT pg_reload_conf()")
    wait_until(
        lambda: (
            admin.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,)
        )
    )


# First, because autovacuum's own COMMITs wait for a standby that lacks.
def test_autovacuum_at_work_is_found(world: World, admin: psycopg.Connection) -> None:
    admin.execute(
        "ALTER TABLE platform.users SET (autovacuum_vacuum_cost_delay = 100,"
        " autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 0,"
        " autovacuum_vacuum_scale_factor = 0)"
    )
    admin.execute("UPDATE platform.users SET updated_at = now()")
    found: list[Finding] = []

    def is_found() -> bool:
        found[:] = [f for f in look(world) if f.rule == "autovacuum"]
        return bool(found)

    wait_until(is_found)
    assert found[0].level is Level.INFO
    assert "Autovacuum is at work on platform.users (pid " in found[0].message


@pytest.mark.parametrize("names", ["nobody", "ANY 2 (nobody, nowhere)"])
def test_missing_synchronous_standby_is_found(
    world: World, admin: psycopg.Connection, names: str
) -> None:
    change_setting(admin, "synchronous_standby_names", names)
    finding = one(look(world), "synchronous-standby")
    assert finding.level is Level.BLOCK
    assert "COMMIT would hang, with all locks held" in finding.message
    assert f"is '{names}', and of these 0 are connected" in finding.message
    assert "Bring the standby back" in finding.help


def test_synchronous_standby_is_fine_when_commit_does_not_wait(
    world: World, admin: psycopg.Connection
) -> None:
    change_setting(admin, "synchronous_commit", "local")
    change_setting(admin, "synchronous_standby_names", "nobody")
    assert not blocking(look(world))


def test_standby_takes_no_migration(world: World, standby: str) -> None:
    findings = look(world, DATABASE_URL=standby)
    assert blocking(findings) == ["standby"]
    assert one(findings, "standby").message.startswith("The server is a standby")
    assert "Point DATABASE_URL at the primary" in one(findings, "standby").help


@pytest.mark.usefixtures("standby")
def test_standby_that_keeps_up_is_named(world: World) -> None:
    finding = one(look(world), "standby-lag")
    assert finding.level is Level.INFO
    assert finding.message == "Standby walreceiver keeps up"


@pytest.mark.usefixtures("standby")
def test_standby_that_lags_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.database.preflight.replication.LAG_BYTES", -1)
    finding = one(look(world), "standby-lag")
    assert finding.level is Level.WARNING
    assert "Standby walreceiver is 0 MiB behind" in finding.message
    assert finding.help == "Wait until it has caught up."


@pytest.mark.usefixtures("standby")
def test_connected_synchronous_standby_is_fine(
    world: World, admin: psycopg.Connection
) -> None:
    change_setting(admin, "synchronous_standby_names", "walreceiver")
    state = "SELECT sync_state FROM pg_stat_replication"
    wait_until(lambda: admin.execute(state).fetchone() == ("sync",))
    assert not blocking(look(world))


@pytest.mark.usefixtures("standby")
def test_one_synchronous_standby_of_two_is_too_few(
    world: World, admin: psycopg.Connection
) -> None:
    change_setting(admin, "synchronous_standby_names", "ANY 2 (walreceiver, other)")
    finding = one(look(world), "synchronous-standby")
    assert "of these 1 are connected" in finding.message
