"""Preflight of replicas, on a real streaming standby."""

import re
from collections.abc import Callable, Iterator

import psycopg
import pytest
from pydantic import SecretStr

from flows.database.connection import reading
from flows.database.replica import mistaken
from flows.demo.loopback import free_port
from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.migration.finding import Finding, Level
from flows.migration.target import Target
from tests.database.preflight.conftest import Edit, Look, blocking, one
from tests.fix_flight import MakeFlight
from tests.fix_standby import Reader, wait_until


@pytest.fixture
def found(look: Look, standby: str) -> Callable[..., list[Finding]]:
    """What is found of the standby as a replica."""
    return lambda version="008": [
        finding
        for finding in look(version, PGFLIGHT_REPLICAS=standby)
        if "replica" in finding.rule and finding.rule != "replication"
    ]


def test_replica_that_keeps_up_is_fine(found, standby: str) -> None:
    (finding,) = found()
    assert finding.level is Level.OK
    place = standby.rpartition("@")[2]
    assert finding.message == f"Replica {place} follows the target and keeps up"


def test_replica_that_cannot_be_asked_is_a_loud_warning(
    look: Look, world: World, server: PostgresServer
) -> None:
    port = free_port()
    away = world.owner_url.replace(f":{server.port}/", f":{port}/")
    findings = look(PGFLIGHT_REPLICAS=away)
    assert not blocking(findings)
    finding = one(findings, "replica-unreachable")
    assert finding.level is Level.WARNING
    assert f"Replica 127.0.0.1:{port}/{world.database} cannot be" in finding.message
    assert finding.help == "Bring it back, or correct the URL of replica 1."


def test_primary_as_its_own_replica_blocks(look: Look, world: World) -> None:
    findings = look(PGFLIGHT_REPLICAS=world.owner_url)
    assert blocking(findings) == ["wrong-replica"]
    assert "is no standby: it takes" in one(findings, "wrong-replica").message


def test_another_database_of_the_standby_blocks(look: Look, standby: str) -> None:
    other = f"{standby.rpartition('/')[0]}/template_world"
    findings = look(PGFLIGHT_REPLICAS=other)
    assert blocking(findings) == ["wrong-replica"]
    told = one(findings, "wrong-replica").message
    assert "leads to database template_world" in told


def test_another_cluster_is_told(make_flight: MakeFlight, standby: str) -> None:
    identity = make_flight().identity
    ours = identity.__class__(**{**vars(identity), "system_identifier": "1"})
    with reading(Target(SecretStr(standby)), "test") as conn:
        assert mistaken(conn, identity) is None
        told = mistaken(conn, ours)
    assert told
    assert told[0].startswith("is another cluster (")


def test_string_that_libpq_cannot_read_blocks_and_is_not_quoted(look: Look) -> None:
    findings = look(PGFLIGHT_REPLICAS="nonsense=s3cret")
    assert blocking(findings) == ["replica"]
    assert (
        "replica 1 is not a PostgreSQL connection" in one(findings, "replica").message
    )
    assert not any("s3cret" in str(finding) for finding in findings)


def test_lag_above_the_limit_is_a_warning(
    found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.database.preflight.replicas.LAG_BYTES", -1)
    (finding,) = found()
    assert (finding.rule, finding.level) == ("replica-lag", Level.WARNING)
    # On a slow machine it is some time behind as well.
    assert re.search(r"is 0\.0 MiB .*behind: readers there", finding.message)


def test_replay_that_is_paused_is_a_warning(
    found, standby_admin: psycopg.Connection
) -> None:
    standby_admin.execute("SELECT pg_wal_replay_pause()")
    (finding,) = found()
    assert (finding.rule, finding.level) == ("replica-lag", Level.WARNING)
    assert "has its replay paused" in finding.message
    assert "pg_wal_replay_resume()" in finding.help


@pytest.fixture
def delayed(standby_admin: psycopg.Connection) -> Iterator[None]:
    """A standby that stays an hour behind on purpose."""
    set_setting(standby_admin, "recovery_min_apply_delay", "1h")
    yield
    set_setting(standby_admin, "recovery_min_apply_delay", "0")


def set_setting(admin: psycopg.Connection, name: str, value: str) -> None:
    admin.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    admin.execute("SELECT pg_reload_conf()")
    show = f"SHOW {name}".encode()
    wait_until(lambda: admin.execute(show).fetchone() == (value,))


@pytest.mark.usefixtures("delayed")
def test_delay_on_purpose_is_a_warning(found) -> None:
    (finding,) = found()
    assert (finding.rule, finding.level) == ("replica-lag", Level.WARNING)
    assert "stays 3,600 s behind on purpose" in finding.message


@pytest.fixture
def all_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.database.preflight.replicas.LONG_S", 0)


@pytest.mark.usefixtures("all_are_old")
def test_long_reader_there_is_named_with_what_it_means(found, reader: Reader) -> None:
    reader.execute("SELECT count(*) FROM platform.users")
    finding = one(found(), "replica-reader")
    assert finding.level is Level.WARNING
    pid = reader.info.backend_pid
    assert f"pid {pid}, reporting of platform_owner, idle in" in finding.message
    assert "hold up the replay of the migration's ACCESS EXCLUSIVE" in finding.message
    assert "until it is cancelled after 30 s" in finding.message
    assert finding.help.endswith(f"SELECT pg_terminate_backend({pid})")


def test_young_reader_there_is_fine(found, reader: Reader) -> None:
    reader.execute("SELECT count(*) FROM platform.users")
    assert [finding.rule for finding in found()] == ["replica"]


@pytest.mark.usefixtures("all_are_old")
def test_reader_of_what_is_locked_otherwise_is_fine(
    found, reader: Reader, write: Edit
) -> None:
    """Of all locks only ACCESS EXCLUSIVE is replayed."""
    reader.execute("SELECT count(*) FROM platform.users")
    write("CREATE INDEX name ON platform.users (display_name)")
    assert [finding.rule for finding in found("009")] == ["replica"]
