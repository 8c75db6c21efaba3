"""A Prefect of the demo's own: server, target, deployments and a worker, for the UI."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryDirectory, TemporaryFile

import httpx

from flows.demo.account import OURSELVES
from flows.demo.lifeline import Lifeline
from flows.demo.loopback import HOST, free_port, is_free
from flows.migration.errors import ConnectionFailed
from flows.resources import SQL

USUAL_PORT = 4200
START_TIMEOUT_S = 120.0
LOG_CHARACTERS = 2_000
NOT_OF_OURS = ("PREFECT_", "PGFLIGHT_", "DATABASE_URL")
HOME = SQL.parent
"""Holds prefect.yaml, and the migrations that the runs look for in sql/migrations."""
PREFECT = [sys.executable, "-m", "prefect"]
PGFLIGHT = [sys.executable, "-m", "flows.cli"]
PREPARATIONS = (
    [*PGFLIGHT, "register", "demo"],
    [*PREFECT, "work-pool", "create", "pgflight", "--type", "process"],
    [*PREFECT, "--no-prompt", "deploy", "--all"],
    [*PGFLIGHT, "automations"],
)
"""As the README has them for a Prefect of one's own."""


@contextmanager
def own_prefect(target: Mapping[str, str]) -> Iterator[str]:
    """Prefect with everything in it, for the time of a `with` block, or of ours.

    Args:
        target: variables of the worker's own target, which is also the block `demo`.

    Yields:
        the URL of its UI.

    Raises:
        ConnectionFailed: something of it does not start; with the end of its log.
    """
    port = USUAL_PORT if is_free(USUAL_PORT) else free_port()
    with TemporaryDirectory(prefix="pgflight-demo-") as home, ExitStack() as stack:
        environment = {
            **{n: v for n, v in os.environ.items() if not n.startswith(NOT_OF_OURS)},
            **target,
            "PREFECT_HOME": home,
            "PREFECT_API_URL": f"http://{HOST}:{port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        server = ["server", "start", "--host", HOST, "--port", str(port)]
        stack.enter_context(_running([*PREFECT, *server], environment))
        _wait_until_healthy(environment["PREFECT_API_URL"])
        for command in PREPARATIONS:
            _run(command, environment)
        worker = ["worker", "start", "--pool", "pgflight", "--type", "process"]
        stack.enter_context(_running([*PREFECT, *worker], environment))
        yield f"http://{HOST}:{port}"


@contextmanager
def _running(command: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    """A process that is gone after the block, and when ours is."""
    process = subprocess.Popen(
        command,
        cwd=HOME,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    lifeline = Lifeline('kill "$1"', [str(process.pid)], OURSELVES)
    try:
        yield
    finally:
        lifeline.cut()
        process.wait()


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    with TemporaryFile() as log:
        done = subprocess.run(
            command,
            cwd=HOME,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        if done.returncode:
            log.seek(0)
            text = log.read()[-LOG_CHARACTERS:].decode(errors="replace")
            raise ConnectionFailed(f"the demo's Prefect: {' '.join(command)}", text)


def _wait_until_healthy(api: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(f"{api}/health", trust_env=False).is_success:
                return
        time.sleep(0.2)
    raise ConnectionFailed(f"the demo's Prefect does not answer on {api}")
