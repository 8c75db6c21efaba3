"""Online beside an application at work gives what one transaction gives beside it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid5

import psycopg

from flows.database.apply import apply
from flows.database.online.apply import apply_online
from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.migration.strategy import Strategy
from tests.database.conftest import quiet
from tests.database.online.application import LOG_IN, RENAME
from tests.fix_migrations import dump_schema_of
from tests.fix_server import clone_world
from tests.fix_stretched import cleared

USERS = "SELECT id FROM platform.users ORDER BY id"
ROWS = """
SELECT id, email, display_name, password_hash, active_org_id
FROM platform.users ORDER BY id
"""
NEWCOMER = """
INSERT INTO platform.users (id, email, display_name, password_hash)
VALUES (%s, %s, 'Newcomer', '!')
"""


def work(world: World, over: threading.Event, errors: list[str]) -> None:
    """Once through all users, at least: each logs in, is renamed, and has a guest.

    Nobody joins or leaves an organization, so the result is the same whenever it is
    that the values are filled.
    """
    with psycopg.connect(world.app_url, autocommit=True) as app:
        for (user,) in app.execute(USERS).fetchall():
            guest = uuid5(user, "guest")
            try:
                app.execute(LOG_IN, [user])
                app.execute(RENAME, [f"Renamed {user}", user])
                app.execute(NEWCOMER, [guest, f"{guest}@example.com"])
            except psycopg.Error as error:
                errors.append(str(error))
            over.wait(0.002)


@contextmanager
def at_work(world: World) -> Iterator[None]:
    """An application at work from before the block; all is done when it is left."""
    over, errors = threading.Event(), list[str]()
    thread = threading.Thread(target=work, args=(world, over, errors))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert errors == []


def deployed(
    server: PostgresServer, template: str, strategy: Strategy
) -> tuple[list[str], list[tuple[object, ...]]]:
    """Schema and rows of a world where 008 was deployed beside the application."""
    with clone_world(server, template) as world:
        with at_work(world):
            flight = cleared(world, strategy)
            (apply if strategy == "transactional" else apply_online)(flight, quiet)
        with psycopg.connect(world.owner_url) as owner:
            rows = owner.execute(ROWS).fetchall()
        return dump_schema_of(server, world), rows


def test_same_schema_and_rows_beside_an_application(
    server: PostgresServer, stretched_template: str
):
    schema, rows = deployed(server, stretched_template, "transactional")
    online_schema, online_rows = deployed(server, stretched_template, "online")
    assert online_schema == schema
    assert online_rows == rows
    assert len(rows) > 700
