"""What preflight finds in a world, and roles to look at it with."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from flows.database.preflight.clearance import clear
from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.migration.finding import Finding, Level
from flows.migration.strategy import Terms
from flows.migration.target import target_from_environment
from tests.fix_allowances import allow
from tests.fix_flight import NO_ENDPOINT

Look = Callable[..., list[Finding]]
Edit = Callable[..., None]

_role_numbers = count(1)


def one(findings: list[Finding], rule: str) -> Finding:
    """The only finding of a rule."""
    (found,) = (finding for finding in findings if finding.rule == rule)
    return found


def blocking(findings: list[Finding]) -> list[str]:
    """The rules that keep the migration from being deployed."""
    return [finding.rule for finding in findings if finding.level is Level.BLOCK]


@pytest.fixture
def look(world: World, folder: Path) -> Look:
    """All findings about a migration; keywords change the target's variables."""

    def look(
        version: str = "008", budget_ms: int | None = None, **changes: str
    ) -> list[Finding]:
        environment = world.environment(NO_ENDPOINT) | changes
        return clear(
            folder,
            version,
            partial(target_from_environment, environment),
            Terms(budget_ms),
        ).findings

    return look


@pytest.fixture
def write(folder: Path) -> Edit:
    """Makes a migration 009 of a few lines."""

    def write(up: str, down: str = "", toml: str = "") -> None:
        place = folder / "009_next"
        place.mkdir(exist_ok=True)
        (place / "up.sql").write_text(up)
        if down:
            (place / "down.sql").write_text(down)
        manifest = place / "migration.toml"
        manifest.write_text(toml)
        allow(manifest, place / "up.sql")

    return write


class Deployer:
    """A role that has no rights but those that a test gives it."""

    def __init__(self, name: str, url: str, admin: psycopg.Connection) -> None:
        self.name, self.url, self._admin = name, url, admin

    def grant(self, rights: str) -> None:
        self.run(f"GRANT {rights} TO {self.name}")

    def run(self, statement: str) -> None:
        """Run SQL as the superuser."""
        self._admin.execute(statement.encode())


@pytest.fixture
def deployer(
    admin: psycopg.Connection, server: PostgresServer, world: World
) -> Iterator[Deployer]:
    """A role whose password is full of what is special in a URL."""
    name = f"deployer_{next(_role_numbers)}"
    password = "p@ss/w:rd?x#y%&=z"
    role = sql.Identifier(name)
    admin.execute(
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password))
    )
    login = f"{name}:{quote(password, safe='')}"
    url = f"postgresql://{login}@127.0.0.1:{server.port}/{world.database}"
    yield Deployer(name, url, admin)
    admin.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
    admin.execute(sql.SQL("DROP ROLE {}").format(role))
