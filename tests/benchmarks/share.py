"""Prefect's share: the same flow by itself, and as a run that a server keeps.

``python -m tests.benchmarks.share`` flies the flow deploy-migration by itself, without
Prefect's engine, against the target of the environment, and says how long it took.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flows.demo.server import PostgresServer
from flows.demo.service import run_application
from flows.here import prepare_prefect
from flows.migration.outcome import Outcome
from tests.benchmarks.figures import Share
from tests.benchmarks.ground import fresh_site
from tests.crashes.site import CHECKOUT, Site

FLOWN_BY_ITSELF = [sys.executable, "-m", "tests.benchmarks.share"]
FLOWN_BY_PREFECT = [sys.executable, "-m", "flows.cli", "deploy", "008"]


def shares(
    server: PostgresServer, users: int, rounds: int, say: Callable[[str], None]
) -> Iterator[Share]:
    """Both, in turns, on a template that is there; Prefect is gone afterwards."""
    with TemporaryDirectory(prefix="pgflight-bench-") as home:
        prefect = Site(Path(home))
        try:
            say("Starting a Prefect server")
            prefect.start_server()
            for _ in range(rounds):
                yield _share(server, users, prefect)
        finally:
            prefect.stop()


def _share(server: PostgresServer, users: int, prefect: Site) -> Share:
    by_itself, _ = _flown(server, users, FLOWN_BY_ITSELF, {})
    api = {"PREFECT_API_URL": prefect.api}
    _, entered = _flown(server, users, FLOWN_BY_PREFECT, api)
    newest = {"sort": "EXPECTED_START_TIME_DESC", "limit": 1}
    (run,) = prefect.post("/flow_runs/filter", newest)
    assert run["state"]["name"] == "Deployed", run["state"]
    steps = prefect.post(
        "/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}}
    )
    first = min(_moment(step["start_time"]) for step in steps)
    return Share(
        users=users,
        **json.loads(by_itself),
        run_s=_moment(run["end_time"]) - _moment(run["start_time"]),
        first_step_s=first - entered,
    )


def _flown(
    server: PostgresServer, users: int, command: list[str], more: dict[str, str]
) -> tuple[str, float]:
    """Fly 008 beside its application; returns what was said, and when it began."""
    with fresh_site(server, users) as site, run_application(site.world) as endpoint:
        started = time.time()
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env={**os.environ, **site.world.environment(endpoint), **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, started


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def fly() -> dict[str, Any]:
    """Fly it by itself; returns fields of `Share`."""
    began = time.monotonic()
    prepare_prefect()
    from flows.deploy import deploy_migration
    from flows.tasks.engine import without_prefect
    from flows.tasks.landing import report_of

    imported = time.monotonic()
    with without_prefect():
        report = report_of(deploy_migration.fn("008"))
    assert report.outcome is Outcome.DEPLOYED, report.errors
    return {
        "import_s": imported - began,
        "by_itself_s": time.monotonic() - imported,
    }


if __name__ == "__main__":
    json.dump(fly(), sys.stdout)
