"""The ground that the arms run on: a server, and fresh copies of one database."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg
from psycopg import sql

from flows.demo.server import PostgresServer
from flows.demo.world import World, create_world, world_in
from tests.benchmarks.figures import Machine

SETTINGS = {
    "shared_buffers": "1GB",
    # No checkpoint but the one before each round, or it would be the longest stall.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "fsync": "on",
    "synchronous_commit": "on",
}

_copy_numbers = count(1)


def build_template(server: PostgresServer, users: int) -> str:
    """Make the database that is copied, with nothing left to do for autovacuum."""
    template = f"users_{users}"
    create_world(server, users, template)
    with psycopg.connect(server.url(template), autocommit=True) as admin:
        admin.execute("VACUUM (FREEZE, ANALYZE)")
    return template


@contextmanager
def copy_of(server: PostgresServer, template: str) -> Iterator[World]:
    """A copy with everything on disk; dropped afterwards."""
    database = f"copy_{next(_copy_numbers)}"
    name = sql.Identifier(database)
    # Copying files takes a third of the time of copying through the WAL.
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(create.format(name, sql.Identifier(template)))
        world = world_in(server, database)
        admin.execute("CHECKPOINT")
        yield world
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def unfilled(server: PostgresServer, world: World) -> int:
    """How many members of an organization a migration has left without one."""
    with psycopg.connect(server.url(world.database)) as admin:
        row = admin.execute(
            "SELECT count(*) FROM platform.users AS u WHERE u.active_org_id IS NULL"
            " AND EXISTS (SELECT FROM platform.org_members WHERE user_id = u.id)"
        ).fetchone()
    assert row
    return int(row[0])


def this_machine(server: PostgresServer) -> Machine:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        processors=os.cpu_count() or 1,
        memory_gb=round(memory / 1e9, 1),
        system=f"{platform.system()} {platform.machine()}",
        postgresql=f"{server.version // 10_000}.{server.version % 10_000}",
    )
