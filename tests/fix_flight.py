"""A flight that preflight has cleared: a world, a folder of migrations, a target."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import copytree
from uuid import uuid4

import pytest

from flows.database.preflight.clearance import clear
from flows.database.preflight.flight import flight_of
from flows.demo.world import World
from flows.migration.flight import Flight
from flows.migration.report import Report
from flows.migration.strategy import Terms, Wish
from flows.migration.target import target_from_environment
from flows.resources import SQL

# Of no application: what is tested here asks the database only.
NO_ENDPOINT = "http://127.0.0.1:9"

MakeFlight = Callable[..., Flight]
Edit = Callable[[str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped migrations, to be changed at will."""
    return Path(copytree(SQL / "migrations", tmp_path / "migrations"))


@pytest.fixture
def make_flight(world: World, folder: Path) -> MakeFlight:
    """Clears a migration for the world, whatever preflight's findings are.

    Keywords change the target's variables.
    """

    def make(
        version: str = "008",
        budget_ms: int = 10_000,
        strategy: Wish = "auto",
        **changes: str,
    ) -> Flight:
        environment = world.environment(NO_ENDPOINT) | changes
        terms = Terms(budget_ms, strategy)
        clearance = clear(
            folder, version, partial(target_from_environment, environment), terms
        )
        report = Report(action="deploy", version=version, run_id=str(uuid4()))
        return flight_of(report, clearance, terms)

    return make


@pytest.fixture
def flight(make_flight: MakeFlight) -> Flight:
    """Migration 008, cleared."""
    return make_flight()


@pytest.fixture
def append(folder: Path) -> Edit:
    """Appends SQL to a file of migration 008."""

    def edit(name: str, text: str) -> None:
        path = folder / "008_active_org" / name
        path.write_text(f"{path.read_text()}\n{text}\n")

    return edit
