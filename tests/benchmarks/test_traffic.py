"""The application's writer and reader, on a real table."""

import time

import psycopg
import pytest

from flows.demo.world import World
from tests.benchmarks.traffic import traffic
from tests.fix_server import USERS


@pytest.mark.parametrize("kind", ["write", "read"])
def test_traffic_counts_a_stall_from_when_the_statement_was_due(
    world: World, owner: psycopg.Connection, kind: str
) -> None:
    with traffic(kind, world.app_url, USERS) as end:
        with owner.transaction():
            owner.execute("LOCK TABLE platform.users")
            time.sleep(0.4)
        stream = end()
    assert stream.errors == 0
    assert 300 < stream.longest_ms < 1_500


def test_traffic_counts_errors_and_goes_on(
    world: World, owner: psycopg.Connection
) -> None:
    owner.execute("REVOKE UPDATE ON platform.users FROM platform_app")
    owner.execute("REVOKE UPDATE (last_login_at) ON platform.users FROM platform_app")
    with traffic("write", world.app_url, USERS) as end:
        time.sleep(0.2)
        stream = end()
    assert stream.errors == stream.statements > 1
    assert stream.first_error.startswith("42501")


def test_traffic_finds_the_users_that_it_asks_for(world: World) -> None:
    with traffic("read", world.app_url, USERS) as end:
        time.sleep(0.2)
        stream = end()
    assert (stream.errors, stream.first_error) == (0, "")
