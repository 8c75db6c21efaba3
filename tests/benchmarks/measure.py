"""Measuring: rounds of all arms, one after another, beside the application."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flows.demo.server import PostgresServer
from tests.benchmarks.arms import IDLE, Arm
from tests.benchmarks.figures import Figures, Round
from tests.benchmarks.ground import (
    SETTINGS,
    Site,
    build_template,
    fresh_site,
    this_machine,
    unfilled,
)
from tests.benchmarks.share import shares
from tests.benchmarks.traffic import CHECKOUT, traffic

NO_ENDPOINT = "http://127.0.0.1:9"
"""No arm asks the application; preflight wants a value for it."""
FAILURE_CHARACTERS = 500

Say = Callable[[str], None]


@dataclass(frozen=True)
class Course:
    """What is to be measured: every arm at every number of users, so many times.

    Attributes:
        with_prefect: its share is measured too, at the smallest size.
        beside: figures that are kept, and that these shall stand beside.
        lead_s: how long the application works before the migration, and after it.
    """

    sizes: Sequence[int]
    arms: Sequence[Arm]
    rounds: int
    with_prefect: bool = True
    beside: Figures | None = None
    lead_s: float = 1.0


def measure(course: Course, say: Say) -> Figures:
    """Run the course on a server of its own, which is gone afterwards.

    Raises:
        BadInput: what it shall stand beside was measured elsewhere.
    """
    say("Starting PostgreSQL")
    with PostgresServer(settings=SETTINGS) as server:
        figures = Figures(
            measured_on=f"{datetime.now(UTC):%Y-%m-%d}",
            machine=this_machine(server),
            settings={**server.settings, **SETTINGS},
        )
        if course.beside:
            figures.assert_comparable(course.beside)
        for size in course.sizes:
            say(f"Creating {size:,} users")
            build_template(server, size)
            figures.rounds += _rounds(server, size, course, say)
        if course.with_prefect:
            figures.shares += shares(server, min(course.sizes), course.rounds, say)
    return figures


def _rounds(
    server: PostgresServer, users: int, course: Course, say: Say
) -> Iterator[Round]:
    for number in range(1, course.rounds + 1):
        # Arm by arm in each round, so that a busier hour of the machine hits them all.
        for arm in course.arms:
            with fresh_site(server, users) as site:
                one = _round(site, arm, course.lead_s)
            say(f"{users:,} users, round {number} of {course.rounds}: {_line(one)}")
            yield one


def _round(site: Site, arm: Arm, lead_s: float) -> Round:
    """Run one arm on its site, beside a writer and a reader."""
    with (
        traffic("write", site.world.app_url, site.users) as end_writer,
        traffic("read", site.world.app_url, site.users) as end_reader,
    ):
        time.sleep(lead_s)
        taken = _run(arm, site)
        time.sleep(lead_s)
        writes, reads = end_writer(), end_reader()
    one = Round(users=site.users, arm=arm.name, writes=writes, reads=reads, **taken)
    left = 0 if one.failure or arm.name == IDLE else unfilled(site)
    if left:
        one.failure = f"{left:,} users were left without an organization"
    return one


def _run(arm: Arm, site: Site) -> dict[str, Any]:
    command = arm.command(site)
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**os.environ, **site.world.environment(NO_ENDPOINT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    wall_ms = (time.monotonic() - started) * 1_000
    if done.returncode:
        failure = (done.stderr or done.stdout)[-FAILURE_CHARACTERS:].strip()
        return {"wall_ms": wall_ms, "failure": failure or "it failed"}
    figures: dict[str, Any] = json.loads(done.stdout) if arm.is_ours else {}
    return {"wall_ms": wall_ms, **figures}


def _line(one: Round) -> str:
    if one.failure:
        return f"{one.arm} failed: {one.failure}"
    return (
        f"{one.arm} took {one.wall_ms / 1_000:,.2f} s, longest stall"
        f" {one.stall_ms:,.0f} ms, application errors {one.errors}"
    )
