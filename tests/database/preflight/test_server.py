"""Preflight of the server: one row about it, and real servers of each kind."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg.rows import dict_row
from pydantic import SecretStr

from flows.database.connection import one as one_row
from flows.database.preflight.server import server_findings
from flows.demo.world import World
from flows.migration.finding import Finding, Level
from flows.migration.target import Target
from tests.database.preflight.conftest import Deployer, Look, blocking, one

Judge = Callable[..., list[Finding]]


@pytest.fixture
def judge(world: World) -> Judge:
    """Judges the world's server, with some facts about it changed."""

    def judge(**changes: object) -> list[Finding]:
        target = Target(SecretStr(world.owner_url))
        with psycopg.connect(world.owner_url, row_factory=dict_row) as conn:
            facts = one_row(conn, "select_identity") | changes
            return list(server_findings(conn, target, facts))

    return judge


def test_ordinary_server_is_fine(judge: Judge) -> None:
    assert [finding.level for finding in judge()] == [Level.OK, Level.OK]


@pytest.mark.parametrize(
    ("number", "text"), [(130_022, "13.22"), (90_624, "9.6.24"), (190_000, "19.0")]
)
def test_unsupported_version_is_found(judge: Judge, number: int, text: str) -> None:
    finding = one(judge(version_num=number, version=text), "server-version")
    assert finding.level is Level.BLOCK
    assert finding.message == f"PostgreSQL {text} is not supported"
    assert "14 to 18" in finding.help


@pytest.mark.parametrize("number", [140_000, 180_006])
def test_supported_version_is_fine(judge: Judge, number: int) -> None:
    assert one(judge(version_num=number), "server-version").level is Level.OK


def test_read_only_role_is_found(look: Look, deployer: Deployer) -> None:
    deployer.run(f"ALTER ROLE {deployer.name} SET default_transaction_read_only = on")
    finding = one(look(DATABASE_URL=deployer.url), "read-only")
    assert finding.level is Level.BLOCK
    assert "read-only" in finding.message
    assert "ALTER ROLE" in finding.help


def test_expected_database_is_fine(look: Look, world: World) -> None:
    identity = one(look(), "database").message.split()[1].rstrip(",")
    assert identity.startswith(f"{world.database}@")
    for wanted in (world.database, identity, f" {identity}\n"):
        assert not blocking(look(PGFLIGHT_EXPECTED_DATABASE=wanted))


@pytest.mark.parametrize("wanted", ["production", "{}@1", "{}@"])
def test_other_database_is_found(look: Look, world: World, wanted: str) -> None:
    wanted = wanted.format(world.database)
    findings = look(PGFLIGHT_EXPECTED_DATABASE=wanted)
    finding = one(findings, "wrong-database")
    assert finding.level is Level.BLOCK
    assert f"leads to {world.database}@" in finding.message
    assert f"expected was {wanted}" in finding.message
    assert findings[-1] == finding
