"""A streaming standby of the tests' server, for the tests of one module."""

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from flows.demo.server import PostgresServer
from flows.demo.world import World
from tests.standby import can_connect, standby_of

TIMEOUT_S = 60.0


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def standby_port(server: PostgresServer) -> Iterator[int]:
    """It takes connections."""
    with standby_of(server) as port:
        url = server.url().replace(f":{server.port}/", f":{port}/")
        wait_until(lambda: can_connect(url))
        yield port


@pytest.fixture
def standby(server: PostgresServer, standby_port: int, world: World) -> str:
    """The URL of this test's world there, as the deploying role."""
    url = world.owner_url.replace(f":{server.port}/", f":{standby_port}/")
    wait_until(lambda: can_connect(url))
    return url


@pytest.fixture
def standby_admin(
    server: PostgresServer, standby: str, standby_port: int, world: World
) -> Iterator[psycopg.Connection]:
    """A superuser's session there; a replay that it has paused goes on afterwards."""
    url = server.url().replace(f":{server.port}/", f":{standby_port}/")
    with psycopg.connect(url, autocommit=True) as admin:
        yield admin
        admin.execute("SELECT pg_wal_replay_resume()")


Reader = psycopg.Connection


@pytest.fixture
def reader(standby: str) -> Iterator[Reader]:
    """A session there, in a transaction that is open to its end."""
    with psycopg.connect(standby, application_name="reporting") as reader:
        yield reader
        reader.rollback()
