"""Sessions of threads that end with a block that is interrupted."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

import psycopg
import pytest
from pydantic import SecretStr

from flows.database.connection import reading
from flows.database.crowd import crowd
from flows.demo.world import World
from flows.migration.errors import QueryFailed
from flows.migration.target import Target

ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(25)'"
Beside = Callable[[], Future[None]]


@pytest.fixture
def sleep_beside(world: World) -> Beside:
    """Two long statements, one after the other, in a thread of this context."""
    target = Target(SecretStr(world.owner_url))

    def sleep() -> None:
        with reading(target, "beside") as conn:
            conn.execute("SELECT pg_sleep(25)")

    pool = ThreadPoolExecutor(1)
    return lambda: pool.submit(copy_context().run, sleep)


def test_interruption_ends_them(
    owner: psycopg.Connection, sleep_beside: Beside
) -> None:
    with pytest.raises(KeyboardInterrupt), crowd():
        future = sleep_beside()
        while owner.execute(ASLEEP).fetchone() == (0,):
            time.sleep(0.01)
        raise KeyboardInterrupt
    with pytest.raises(QueryFailed, match="user request"):
        future.result()


def test_nobody_begins_after_the_interruption(sleep_beside: Beside) -> None:
    context = None
    with pytest.raises(KeyboardInterrupt), crowd():
        context = copy_context()
        raise KeyboardInterrupt
    assert context
    with pytest.raises(QueryFailed, match="interrupted"):
        context.run(sleep_beside).result()
