"""Connections of the deploying role, as the database layer opens them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from flows.database.connection import Conn, session
from flows.demo.world import World
from flows.migration.ladder import Rung
from flows.migration.target import Target
from tests.fix_allowances import allow

HASTY = (Rung(100, 50), Rung(200, 50), Rung(400, 0))
"""A ladder that takes less than a second."""

Bare = Callable[..., None]


@pytest.fixture
def target(world: World) -> Target:
    return Target(SecretStr(world.owner_url))


@pytest.fixture
def conn(target: Target) -> Iterator[Conn]:
    """A session in a transaction that is rolled back."""
    with session(target, "test") as conn:
        yield conn


@pytest.fixture
def up(folder: Path) -> Path:
    """The up.sql of migration 008, to be changed at will."""
    return folder / "008_active_org" / "up.sql"


@pytest.fixture
def down(folder: Path) -> Path:
    return folder / "008_active_org" / "down.sql"


@pytest.fixture
def bare(folder: Path) -> Bare:
    """Make 008 a migration of nothing but an up.sql and a down.sql."""

    def write(text: str, down: str = "SELECT 1") -> None:
        here = folder / "008_active_org"
        (here / "up.sql").write_text(text)
        (here / "down.sql").write_text(down)
        (here / "migration.toml").unlink(missing_ok=True)
        allow(here / "migration.toml", here / "up.sql")
        (here / "verify.sql").unlink(missing_ok=True)

    return write


def quiet(line: str) -> None:
    """Say nothing."""


def backend_count(admin: psycopg.Connection, name: str) -> int:
    row = admin.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE %s",
        [f"pgflight {name}%"],
    ).fetchone()
    assert row is not None
    return int(row[0])
