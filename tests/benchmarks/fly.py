"""One flight of pgflight in a process of its own, so that its memory can be told.

``python -m tests.benchmarks.fly STRATEGY`` flies 008 against the target of the
environment and says what it took, as JSON.
"""

import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from flows.database.preflight.clearance import clear
from flows.migration.errors import NotCleared, PgflightError
from flows.migration.expectation import Expectations
from flows.migration.flight import Flight
from flows.migration.report import Applied, Report
from flows.migration.strategy import Terms
from flows.resources import SQL

VERSION = "008"
UNVERIFIED = "transactional-unverified"
ENTRIES = {
    "transactional": "flows.database.apply:apply",
    UNVERIFIED: "flows.database.apply:apply",
    "online": "flows.database.online:apply_online",
    "auto": "flows.database.online:apply_auto",
}
"""What flies each strategy: called with the flight and a function to say things."""
NO_BUDGET_MS = 3_600_000
"""For one transaction: psql has no budget either."""

Entry = Callable[[Flight, Callable[[str], None]], object]


def entry_of(strategy: str) -> Entry | None:
    """What flies the strategy; None where there is no such thing yet."""
    module, _, name = ENTRIES[strategy].partition(":")
    try:
        found: Entry | None = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        return None
    return found


def prepare(strategy: str) -> Flight:
    """Clear 008 for the target of the environment.

    Raises:
        NotCleared: with every reason.
    """
    budget_ms = NO_BUDGET_MS if strategy.startswith("transactional") else None
    clearance = clear(SQL / "migrations", VERSION, os.environ, Terms(budget_ms))
    migration, target = clearance.migration, clearance.target
    if clearance.blocking or not (migration and target and clearance.identity):
        raise NotCleared("\n".join(found.message for found in clearance.blocking))
    if strategy == UNVERIFIED:
        migration = replace(migration, expectations=Expectations(), verify=None)
    run_id = uuid4()
    return Flight(
        run_id=run_id,
        migration=migration,
        target=target,
        identity=clearance.identity,
        budget_ms=budget_ms or migration.manifest.budget_ms,
        found_as=None,
        found_state=None,
        strategy="transactional",
        may_go_online=False,
        report=Report(action="deploy", version=VERSION, run_id=str(UUID(int=0))),
    )


def fly(strategy: str) -> dict[str, Any]:
    """Fly it; returns fields of `tests.benchmarks.figures.Round`."""
    flight = prepare(strategy)
    enter = entry_of(strategy)
    assert enter
    started = time.monotonic()
    done = enter(flight, lambda line: None)
    wall_ms = (time.monotonic() - started) * 1_000
    locks = done.locks if isinstance(done, Applied) else []
    return {
        "wall_ms": wall_ms,
        "peak_mb": peak_bytes() / 1e6,
        "locked_ms": max((lock.held_ms for lock in locks), default=None),
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
