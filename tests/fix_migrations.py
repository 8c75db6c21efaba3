"""Running the project's own migrations by hand, and looking at what they leave."""

import subprocess
from collections.abc import Callable

import psycopg
import pytest

from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.resources import SQL

Run = Callable[[str], None]
Dump = Callable[[], list[str]]


@pytest.fixture
def run(owner: psycopg.Connection) -> Run:
    """Run a file of sql/migrations, as one transaction of the deploying role."""
    return lambda path: _run_file(owner, path)


@pytest.fixture
def run_as_admin(admin: psycopg.Connection) -> Run:
    """The same as a superuser, who may become any role."""
    return lambda path: _run_file(admin, path)


def _run_file(connection: psycopg.Connection, path: str) -> None:
    connection.execute((SQL / "migrations" / path).read_bytes())


@pytest.fixture
def dump_schema(server: PostgresServer, world: World) -> Dump:
    """`pg_dump --schema-only` of the world, line by line."""
    return lambda: dump_schema_of(server, world)


def dump_schema_of(server: PostgresServer, world: World) -> list[str]:
    """`pg_dump --schema-only` of any world, line by line."""
    command = [str(server.bin_dir / "pg_dump"), "--schema-only", world.owner_url]
    dumped = subprocess.run(command, capture_output=True, check=True, text=True)
    # Two lines carry a random key.
    random = ("\\restrict ", "\\unrestrict ")
    lines = dumped.stdout.splitlines()
    return [line for line in lines if not line.startswith(random)]


def state_in_ledger(owner: psycopg.Connection) -> str | None:
    """State of the only run; None where there is no ledger, or no run."""
    if not owner.execute("SELECT to_regclass('pgflight.run')").fetchone()[0]:  # type: ignore[index]
        return None
    row = owner.execute("SELECT state FROM pgflight.run").fetchone()
    return row[0] if row else None


def is_in_place(dump: list[str]) -> bool:
    """Whether a schema dump has what migration 008 makes first and last."""
    text = "\n".join(dump)
    return "active_org_id uuid" in text and "COMMENT ON FUNCTION" in text
