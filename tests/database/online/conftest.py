"""Online deployments: migrations of a few lines, and how to fly them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.online.apply import apply_online
from flows.database.revert import revert
from flows.database.verify import record_verified
from flows.demo.world import World
from flows.migration.flight import Flight
from flows.migration.report import Applied
from tests.database.conftest import quiet
from tests.database.test_restore import CHOOSE
from tests.fix_flight import NO_ENDPOINT, MakeFlight

CHECKOUT = Path(__file__).resolve().parents[3]

PILOT = "tests.database.online.pilot"

FlyOnline = Callable[[], Applied]
AddAndRollBack = Callable[..., None]
Pilot = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def online(make_flight: MakeFlight) -> Flight:
    """Migration 008, cleared to go online."""
    return make_flight(strategy="online")


@pytest.fixture
def fly_online(make_flight: MakeFlight) -> FlyOnline:
    """Clear 008 anew, as the next run would, and apply it online."""
    return lambda: apply_online(make_flight(strategy="online"), quiet)


@pytest.fixture
def rolled_back(make_flight: MakeFlight, owner: psycopg.Connection) -> AddAndRollBack:
    """Deploy, write, roll back, write."""

    def go(since: str = CHOOSE, meanwhile: str = "SELECT") -> None:
        flight = make_flight()
        apply(flight, quiet)
        record_verified(flight, "test")
        owner.execute(since.encode())
        revert(make_flight(), "test", quiet)
        owner.execute(meanwhile.encode())

    return go


@pytest.fixture
def pilot(world: World, folder: Path) -> Pilot:
    """Flies 008 online in a process of its own, which kills itself where it is told to.

    Its argument is after how many lines that it says.
    """

    def start(kill_after: int = 0) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", PILOT, str(folder), str(kill_after)],
            cwd=CHECKOUT,
            env={**os.environ, **world.environment(NO_ENDPOINT)},
            stdout=subprocess.PIPE,
            text=True,
        )

    return start
