"""A world whose users lie on many pages, and a gate that our batches are held at."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import postgast
import psycopg
import pytest
from psycopg import sql

from flows.database.online.apply import apply_online
from flows.database.preflight.clearance import clear
from flows.database.preflight.flight import flight_of
from flows.demo.server import PostgresServer
from flows.demo.world import World, create_world
from flows.migration.flight import Flight
from flows.migration.report import Applied, Report
from flows.migration.strategy import Terms, Wish
from flows.migration.target import target_from_environment
from flows.resources import SQL
from tests.fix_flight import NO_ENDPOINT
from tests.fix_server import clone_world

TEMPLATE = "template_stretched"
USERS = 400
STRETCH = Path(__file__).parent / "database" / "online" / "stretched.sql"
BUDGET_MS = 30_000
"""So long that it is none: what is tested is what happens, not how fast."""

AT_GATE = """
SELECT count(*) > 0 FROM pg_locks
WHERE locktype = 'advisory' AND (classid, objid, objsubid) = (7, 7, 2)
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

Deploy = Future[Applied]


@pytest.fixture(scope="session")
def stretched_template(server: PostgresServer) -> str:
    """A database with the stretched world; to be cloned, not used."""
    create_world(server, USERS, TEMPLATE)
    with psycopg.connect(server.url(TEMPLATE), autocommit=True) as admin:
        # One by one: VACUUM has no place in the transaction of several.
        for statement in postgast.split(STRETCH.read_text()):
            admin.execute(statement.encode())
    return TEMPLATE


@pytest.fixture
def stretched(server: PostgresServer, stretched_template: str) -> Iterator[World]:
    """A stretched world that this test may do anything to."""
    with clone_world(server, stretched_template) as world:
        yield world


@pytest.fixture
def gate(server: PostgresServer, stretched: World) -> Iterator["Gate"]:
    url = server.url(stretched.database)
    with psycopg.connect(url, autocommit=True) as admin:
        gate = Gate(admin)
        yield gate
        gate.open()


class Gate:
    """Where the batches of a deployment in the stretched world stop while it is closed.

    Who stops there has a snapshot and the lock of the row, and is about to change it.
    """

    def __init__(self, admin: psycopg.Connection) -> None:
        self._admin = admin

    def close(self) -> None:
        self._admin.execute("INSERT INTO public.gate VALUES (true)")

    def open(self) -> None:
        self._admin.execute("DELETE FROM public.gate")

    def wait_for(self, deploy: Deploy) -> None:
        """Return when a batch has arrived.

        Raises: what the deployment raised instead.
        """
        while True:
            row = self._admin.execute(AT_GATE).fetchone()
            if row == (True,):
                return
            if deploy.done():
                deploy.result()
                raise AssertionError("the deployment is over, and was not at the gate")
            time.sleep(0.005)


def cleared(
    world: World,
    strategy: Wish = "online",
    workers: int = 1,
    folder: Path = SQL / "migrations",
) -> Flight:
    """Migration 008, cleared for a world, whatever preflight's findings are."""
    terms = Terms(BUDGET_MS, strategy, workers)
    clearance = clear(
        folder,
        "008",
        partial(target_from_environment, world.environment(NO_ENDPOINT)),
        terms,
    )
    report = Report(action="deploy", version="008", run_id=str(uuid4()))
    return flight_of(report, clearance, terms)


def slow_down(admin: psycopg.Connection, row_s: float) -> None:
    """Let each row that a step fills take so long."""
    admin.execute(
        sql.SQL("ALTER DATABASE {} SET stretched.row_s = {}").format(
            sql.Identifier(admin.info.dbname), sql.Literal(str(row_s))
        )
    )


@contextmanager
def deploying(flight: Flight, say: Callable[[str], None]) -> Iterator[Deploy]:
    """An online deployment beside the block; over when the block is left."""
    with ThreadPoolExecutor(1, "deploy") as pool:
        yield pool.submit(apply_online, flight, say)
