"""Clearance: target, files and database, with every finding at once."""

import socket
from functools import partial
from pathlib import Path

import psycopg
import pytest

from flows.database.preflight.clearance import clear, locate
from flows.demo.world import World
from flows.migration.finding import Level
from flows.migration.strategy import Terms
from flows.migration.target import target_from_environment
from tests.database.preflight.conftest import Deployer, Edit, Look, blocking, one
from tests.fix_flight import NO_ENDPOINT
from tests.fix_migrations import Dump, Run

SECRET = "geheim-s3cret"


@pytest.fixture
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers the second time either."""
    monkeypatch.setattr("flows.database.preflight.clearance.CONNECT_ATTEMPTS", 1)


# What goes well -----------------------------------------------------------------


def test_ordinary_world_is_cleared(look: Look) -> None:
    findings = look()
    assert {finding.level for finding in findings} == {Level.OK, Level.INFO}
    assert [finding.message for finding in findings[:2]] == [
        "DATABASE_URL configured",
        "Migration file loaded: up.sql of 008_active_org, 13 statements",
    ]


def test_preflight_writes_nothing(
    look: Look, dump_schema: Dump, owner: psycopg.Connection
) -> None:
    before = dump_schema()
    look()
    look("007")
    assert dump_schema() == before
    row = owner.execute("SELECT to_regnamespace('pgflight')").fetchone()
    assert row == (None,)


def test_comparing_an_index_writes_nothing(
    look: Look, dump_schema: Dump, owner: psycopg.Connection, run: Run
) -> None:
    """Where the spelling differs, the server builds it on an empty copy."""
    run("008_active_org/up.sql")
    owner.execute("DROP INDEX platform.idx_users_active_org")
    owner.execute(
        "CREATE INDEX idx_users_active_org ON platform.users (active_org_id)"
        " WHERE NOT active_org_id IS NULL"
    )
    before = dump_schema()
    assert blocking(look()) == ["other-definition"]
    assert dump_schema() == before


def test_everything_wrong_is_reported_at_once(
    look: Look, folder: Path, deployer: Deployer, admin: psycopg.Connection
) -> None:
    deployer.grant("USAGE ON SCHEMA platform")
    path = folder / "008_active_org" / "migration.toml"
    hold = '[hold]\nreason = "not yet"\nowner = "the team"\n'
    path.write_text(f'requires = ["007"]\n{path.read_text()}{hold}')
    admin.execute("ALTER TABLE platform.users ADD active_org_id text")
    findings = look(DATABASE_URL=deployer.url, PGFLIGHT_EXPECTED_DATABASE="")
    expected = {"hold", "requires", "owner", "create", "references", "ledger"}
    assert expected | {"other-definition"} == set(blocking(findings))


# The target ---------------------------------------------------------------------


def test_missing_url_is_found(look: Look) -> None:
    finding = one(look(DATABASE_URL=" "), "target")
    assert (finding.level, finding.message) == (Level.BLOCK, "DATABASE_URL is not set")
    assert "export DATABASE_URL=postgresql://" in finding.help


def test_missing_url_hides_no_other_finding(look: Look) -> None:
    assert blocking(look("007", DATABASE_URL="")) == ["target", "hold"]


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{SECRET}%zz@127.0.0.1/db",
        f"postgresql://user:{SECRET}@127.0.0.1/db?no_such_option=1",
        f"user:{SECRET}@127.0.0.1",
        f"postgresql://user:{SECRET}@[::1/db",
    ],
)
def test_malformed_url_is_found(look: Look, url: str) -> None:
    finding = one(look(DATABASE_URL=url), "connection")
    assert finding.level is Level.BLOCK
    assert finding.message == "DATABASE_URL is not a PostgreSQL connection string"
    assert "percent-encoded" in finding.help


@pytest.mark.usefixtures("one_attempt")
@pytest.mark.parametrize(
    "password", [SECRET, f"{SECRET}@x", f"a@{SECRET}", f"a/{SECRET}", f"a:{SECRET}"]
)
def test_password_is_in_no_message(look: Look, password: str) -> None:
    url = f"postgresql://user:{password}@127.0.0.1:9/db"
    findings = look(DATABASE_URL=url)
    assert blocking(findings) in (["connection"], ["target"])
    assert SECRET not in str(findings)


def test_wrong_password_is_found(look: Look, world: World) -> None:
    user, _, place = world.owner_url.rpartition("@")
    url = f"{user}{SECRET}@{place}"
    finding = one(look(DATABASE_URL=url), "connection")
    assert "password authentication failed" in finding.message
    assert "password" in finding.help
    assert SECRET not in str(finding)


def test_password_of_special_characters_connects(
    look: Look, deployer: Deployer
) -> None:
    finding = one(look(DATABASE_URL=deployer.url), "database")
    assert finding.message.endswith(f", as {deployer.name}")


@pytest.mark.usefixtures("one_attempt")
def test_nobody_listening_is_found(look: Look) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"postgresql://u:{SECRET}@127.0.0.1:{port}/db"
    finding = one(look(DATABASE_URL=url), "connection")
    assert "Cannot reach the database" in finding.message
    assert "Connection refused" in finding.message
    assert SECRET not in str(finding)


# The migration's files ----------------------------------------------------------


def test_unknown_migration_is_found(look: Look) -> None:
    finding = one(look("active_orgs"), "migration")
    assert finding.level is Level.BLOCK
    assert "no migration 'active_orgs'" in finding.message
    assert "Did you mean 008_active_org?" in finding.help


def test_database_is_looked_at_without_a_migration(look: Look) -> None:
    assert one(look("999"), "database").level is Level.OK


def test_broken_sql_is_found(look: Look, write: Edit) -> None:
    write("SELECT 1;\nALTER TABEL t;")
    finding = one(look("009"), "migration")
    assert "up.sql:2:7: syntax error" in finding.message
    assert finding.level is Level.BLOCK


def test_broken_manifest_is_found(look: Look, write: Edit) -> None:
    write("SELECT 1", toml="budget_ms = 'fast'")
    finding = one(look("009"), "migration")
    assert "migration.toml: budget_ms: " in finding.message


def test_hold_is_found(look: Look) -> None:
    finding = one(look("007"), "hold")
    assert finding.level is Level.BLOCK
    assert finding.message.startswith("Migration 007 is on hold: the session context")
    assert finding.help.startswith("platform team lifts it by removing [hold]")


def test_missing_probe_values_are_found(world: World, folder: Path) -> None:
    environment = world.environment(NO_ENDPOINT)
    del environment["PGFLIGHT_TOKEN"], environment["PGFLIGHT_SMOKE_ORG"]
    finding = one(
        clear(
            folder, "008", partial(target_from_environment, environment), Terms()
        ).findings,
        "smoke",
    )
    assert finding.level is Level.BLOCK
    assert "PGFLIGHT_SMOKE_ORG, PGFLIGHT_TOKEN, not set" in finding.message


# The way back -------------------------------------------------------------------


def test_rollback_is_not_held_back(world: World, folder: Path) -> None:
    found = locate(
        folder, "007", partial(target_from_environment, world.environment(NO_ENDPOINT))
    )
    assert (found.blocking, found.run) == ([], None)
    assert found.identity and found.identity.database == world.database
