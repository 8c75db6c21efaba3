"""The demo's application as a process of its own, on a free loopback port."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import httpx

from flows.demo.account import OURSELVES
from flows.demo.lifeline import Lifeline
from flows.demo.loopback import HOST, free_port
from flows.demo.world import World
from flows.migration.errors import ConnectionFailed

APPLICATION = "flows.demo.application:create_application"
START_TIMEOUT_S = 30.0
LOG_CHARACTERS = 2_000
IMPORT_ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def run_application(world: World, breaks: str = "") -> Iterator[str]:
    """Run the application for the time of a `with` block, or of this process.

    Args:
        breaks: ``endpoint`` makes setting the organization answer 500.

    Yields:
        its base URL, once ``/health`` answers.

    Raises:
        ConnectionFailed: it does not start; with the end of its log.
    """
    port = free_port()
    with TemporaryFile() as log:
        process = _start(port, world, breaks, log)
        lifeline = Lifeline('kill "$1"', [str(process.pid)], OURSELVES)
        try:
            url = f"http://{HOST}:{port}"
            if not _becomes_healthy(url, process):
                raise ConnectionFailed(
                    "the demo's application does not start", _end_of(log)
                )
            yield url
        finally:
            lifeline.cut()
            process.wait()


def _start(
    port: int, world: World, breaks: str, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    options = ["--host", HOST, "--port", str(port), "--no-access-log"]
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "--factory", APPLICATION, *options),
            # Somebody who keeps a connection open must not keep us from ending.
            *("--timeout-graceful-shutdown", "2"),
        ],
        env={
            **os.environ,
            "PGFLIGHT_DEMO_DATABASE_URL": world.app_url,
            "PGFLIGHT_DEMO_SECRET": world.signing_secret,
            "PGFLIGHT_DEMO_BREAK": breaks,
        },
        cwd=IMPORT_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _becomes_healthy(url: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    # Proxy settings of the environment are not for the loopback.
    with httpx.Client(trust_env=False, verify=False) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                return client.get(f"{url}/health").is_success
            except httpx.TransportError:
                time.sleep(0.05)
    return False


def _end_of(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read()[-LOG_CHARACTERS:].decode(errors="replace")
