"""A copy of the database has its ledger, and is refused all the same."""

from collections.abc import Iterator
from functools import partial

import psycopg
import pytest
from psycopg.rows import dict_row

from flows.database.pinning import pin_target, read_pin
from flows.database.preflight.clearance import locate
from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.migration.target import target_from_environment
from flows.resources import SQL
from tests.clones import clone
from tests.database.preflight.conftest import Look, blocking, one
from tests.fix_flight import NO_ENDPOINT


@pytest.fixture
def pinned(world: World) -> None:
    """The ledger of a world that a deployment was accepted in."""
    with psycopg.connect(world.owner_url, row_factory=dict_row) as conn:
        conn.execute((SQL / "ledger" / "create.sql").read_bytes())
        assert read_pin(conn) is None
        pin_target(conn)


@pytest.fixture
def copy_url(server: PostgresServer, world: World, pinned: None) -> Iterator[str]:
    """A clone of that world, with its ledger."""
    copy = f"{world.database}_copy"
    with clone(server, world.database, copy):
        yield world.owner_url.replace(world.database, copy)


@pytest.mark.usefixtures("pinned")
def test_pinned_database_is_fine(look: Look) -> None:
    assert not blocking(look())


def test_copy_is_refused_with_the_value_to_set(look: Look, copy_url: str) -> None:
    finding = one(look(DATABASE_URL=copy_url), "wrong-database")
    actual = finding.message.split()[4].rstrip(",")
    assert "_copy@" in actual
    assert "the ledger, since" in finding.message
    assert f"PGFLIGHT_EXPECTED_DATABASE={actual} " in finding.help
    wanted = look(DATABASE_URL=copy_url, PGFLIGHT_EXPECTED_DATABASE=actual)
    assert not blocking(wanted)


def test_bare_name_overrules_no_pin(look: Look, world: World, copy_url: str) -> None:
    name = f"{world.database}_copy"
    findings = look(DATABASE_URL=copy_url, PGFLIGHT_EXPECTED_DATABASE=name)
    assert blocking(findings) == ["wrong-database"]


def test_restored_dump_is_refused(look: Look, owner, pinned: None) -> None:
    """Same name, another server: its ledger names the one that it came from."""
    owner.execute("UPDATE pgflight.target SET system_identifier = '1'")
    assert blocking(look()) == ["wrong-database"]


def test_rollback_in_a_copy_is_refused(world: World, copy_url: str, folder) -> None:
    environment = world.environment(NO_ENDPOINT) | {"DATABASE_URL": copy_url}
    found = locate(folder, "008", partial(target_from_environment, environment))
    assert [finding.rule for finding in found.blocking] == ["wrong-database"]


@pytest.mark.usefixtures("pinned")
def test_pinning_again_moves_the_pin_only_where_it_is_another(owner, world) -> None:
    select = "SELECT system_identifier, pinned_at FROM pgflight.target"
    before = owner.execute(select).fetchall()
    with psycopg.connect(world.owner_url, row_factory=dict_row) as conn:
        pin_target(conn)
    assert owner.execute(select).fetchall() == before
    owner.execute("UPDATE pgflight.target SET system_identifier = '1'")
    with psycopg.connect(world.owner_url, row_factory=dict_row) as conn:
        pin_target(conn)
    assert owner.execute(select).fetchall()[0][0] == before[0][0]


def test_ledger_of_an_older_pgflight_has_no_pin(look: Look, owner, pinned) -> None:
    owner.execute("DROP TABLE pgflight.target")
    assert not blocking(look())
