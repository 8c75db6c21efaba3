"""Whose rights a SECURITY DEFINER function will run with, known before."""

import pytest

from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.migration.finding import Level
from tests.database.preflight.conftest import Edit, Look, blocking, one

PINNED = "SECURITY DEFINER SET search_path = pg_temp AS 'SELECT 1';"
MAKE = f"CREATE OR REPLACE FUNCTION platform.f(int) RETURNS int LANGUAGE sql {PINNED}"
ALLOWED = """
[[allow]]
what = "superuser-definer"
name = "platform.f(integer)"
reason = "it reads pg_authid"
"""


@pytest.fixture
def as_superuser(server: PostgresServer, world: World) -> dict[str, str]:
    return {"DATABASE_URL": server.url(world.database)}


def test_superusers_function_is_refused(look: Look, write: Edit, as_superuser):
    write(MAKE)
    finding = one(look("009", **as_superuser), "superuser-definer")
    assert finding.level is Level.BLOCK
    assert "platform.f(int) runs with the rights of the superuser" in finding.message
    assert "ALTER FUNCTION platform.f(int) OWNER TO" in finding.help
    assert 'what = "superuser-definer"\nname = "platform.f(int)"' in finding.help


def test_function_that_is_given_away_is_fine(look: Look, write: Edit, as_superuser):
    write(f"{MAKE} ALTER FUNCTION platform.f(int) OWNER TO platform_owner")
    assert not blocking(look("009", **as_superuser))


def test_function_that_is_replaced_keeps_its_owner(
    look: Look, write: Edit, as_superuser, owner
):
    owner.execute(MAKE)
    write(MAKE)
    assert "superuser-definer" not in blocking(look("009", **as_superuser))


def test_superusers_function_may_be_allowed(look: Look, write: Edit, as_superuser):
    write(MAKE, toml=ALLOWED)
    assert not blocking(look("009", **as_superuser))


def test_others_make_no_superusers_functions(look: Look, write: Edit):
    write(MAKE)
    assert not blocking(look("009"))
