"""One flight of pgflight in a process of its own, so that its memory can be told.

``python -m tests.benchmarks.fly ARM`` flies 008 against the target of the
environment and says what it took, as JSON.
"""

import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from flows.database.chosen import apply_as_chosen
from flows.database.preflight.clearance import clear
from flows.database.preflight.flight import flight_of
from flows.migration.errors import NotCleared, PgflightError
from flows.migration.expectation import Expectations
from flows.migration.flight import Flight
from flows.migration.report import Report
from flows.migration.strategy import Terms, Wish
from flows.resources import SQL
from flows.targets import aimed_at

VERSION = "008"
UNVERIFIED = "transactional-unverified"
WISHES: dict[str, Wish] = {
    "transactional": "transactional",
    UNVERIFIED: "transactional",
    "online": "online",
    "auto": "auto",
}
"""The strategy that each of pgflight's arms asks for."""
NO_BUDGET_MS = 3_600_000
"""For one transaction: psql has no budget either."""


def prepare(arm: str) -> Flight:
    """Clear 008 for the target of the environment.

    Raises:
        NotCleared: with every reason.
    """
    wish = WISHES[arm]
    terms = Terms(NO_BUDGET_MS if wish == "transactional" else None, wish)
    clearance = clear(SQL / "migrations", VERSION, aimed_at, terms)
    if clearance.blocking:
        raise NotCleared("\n".join(found.message for found in clearance.blocking))
    report = Report(action="deploy", version=VERSION, run_id=str(uuid4()))
    flight = flight_of(report, clearance, terms)
    if arm != UNVERIFIED:
        return flight
    bare = replace(flight.migration, expectations=Expectations(), verify=None)
    return replace(flight, migration=bare)


def fly(arm: str) -> dict[str, Any]:
    """Fly it; returns fields of `tests.benchmarks.figures.Round`."""
    flight = prepare(arm)
    started = time.monotonic()
    applied = apply_as_chosen(flight, lambda line: None)
    wall_ms = (time.monotonic() - started) * 1_000
    return {
        "wall_ms": wall_ms,
        "peak_mb": peak_bytes() / 1e6,
        "locked_ms": max((lock.held_ms for lock in applied.locks), default=None),
    }


def peak_bytes() -> int:
    """The most memory that this process ever had resident."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux's ru_maxrss begins with what the parent had when it started us.
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    try:
        figures = fly(sys.argv[1])
    except PgflightError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
