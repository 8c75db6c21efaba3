"""The ground that the arms run on: a server, and fresh copies of one database."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

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

_site_numbers = count(1)


@dataclass(frozen=True)
class Site:
    """Where one arm works once.

    Attributes:
        world: in a copy of the database that nobody else uses.
        folder: empty, and the arm's own.
    """

    server: PostgresServer
    world: World
    users: int
    folder: Path


def build_template(server: PostgresServer, users: int) -> None:
    """Make the database that is copied, with nothing left to do for autovacuum."""
    create_world(server, users, _template(users))
    with psycopg.connect(server.url(_template(users)), autocommit=True) as admin:
        admin.execute("VACUUM (FREEZE, ANALYZE)")


@contextmanager
def fresh_site(server: PostgresServer, users: int) -> Iterator[Site]:
    """A site with everything on disk; gone afterwards."""
    database = f"site_{next(_site_numbers)}"
    name = sql.Identifier(database)
    # File by file, so that no arm finds its copy in the server's cache already.
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with (
        TemporaryDirectory(prefix="pgflight-bench-") as folder,
        psycopg.connect(server.url(), autocommit=True) as admin,
    ):
        admin.execute(create.format(name, sql.Identifier(_template(users))))
        world = world_in(server, database)
        admin.execute("CHECKPOINT")
        yield Site(server, world, users, Path(folder))
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def unfilled(site: Site) -> int:
    """How many members of an organization the migration left without one."""
    with psycopg.connect(site.server.url(site.world.database)) as admin:
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


def _template(users: int) -> str:
    return f"users_{users}"
