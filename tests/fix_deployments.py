"""prefect.yaml in use: a Prefect server and two workers, each a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet

from flows.demo.loopback import HOST, free_port
from flows.demo.server import PostgresServer
from flows.demo.service import run_application
from flows.demo.world import World
from tests.fix_server import clone_world

CHECKOUT = Path(__file__).resolve().parents[1]
PREFECT = [sys.executable, "-m", "prefect"]
PGFLIGHT = [sys.executable, "-m", "flows.cli"]
LOGIN = "ci:not-a-real-secret"
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0
RUN_TIMEOUT_S = 180.0


@dataclass(frozen=True)
class Deployments:
    """A Prefect server with the deployments, and two workers on the world.

    The server wants a login, as one that others can reach should.

    Attributes:
        home: where the server keeps its database.
        workers: process ids.
    """

    api: str
    home: Path
    world: World
    endpoint: str
    workers: list[int] = field(default_factory=list)

    def pgflight(
        self, *arguments: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run our own command line as CI does: it reaches Prefect, and no database."""
        return subprocess.run(
            [*PGFLIGHT, *arguments],
            cwd=CHECKOUT,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
        )

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Speaks to the API, with the login."""
        login = httpx.BasicAuth(*LOGIN.split(":"))
        base = f"{self.api}/"
        with httpx.Client(base_url=base, auth=login, trust_env=False) as client:
            yield client

    def post(self, path: str, **body: Any) -> Any:
        """One request to the API."""
        with self.client() as client:
            return client.post(path, json=body, timeout=60).raise_for_status().json()

    def prefect(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Prefect's command line in the checkout, as CI does."""
        return subprocess.run(
            [*PREFECT, *arguments],
            cwd=CHECKOUT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A run that no worker takes would be watched for ever.
            timeout=RUN_TIMEOUT_S,
        )

    def read(self, name: str) -> dict[str, Any]:
        """A deployment as the server has it."""
        with self.client() as client:
            answer = client.get(f"deployments/name/{name}")
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    @property
    def environment(self) -> dict[str, str]:
        kept = {n: v for n, v in os.environ.items() if not n.startswith("PREFECT_")}
        return kept | {
            "PREFECT_API_URL": self.api,
            "PREFECT_API_AUTH_STRING": LOGIN,
            # The shortest that Prefect takes.
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            "PREFECT_HOME": str(self.home),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            # A worker keeps files in $TMPDIR/runner_storage, which is the first
            # account's that ran one on this machine.
            "TMPDIR": str(self.home),
            "DO_NOT_TRACK": "1",
        }


@pytest.fixture(scope="module")
def deployments(
    server: PostgresServer, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployments]:
    """Everything that prefect.yaml's first lines say to start."""
    with ExitStack() as stack:
        world = stack.enter_context(clone_world(server, template))
        endpoint = stack.enter_context(run_application(world))
        port, home = free_port(), tmp_path_factory.mktemp("prefect")
        made = Deployments(f"http://{HOST}:{port}/api", home, world, endpoint)
        address = ["--host", HOST, "--port", str(port)]
        secret = {
            "PREFECT_SERVER_API_AUTH_STRING": LOGIN,
            "PREFECT_SERVER_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        }
        stack.enter_context(_running(["server", "start", *address], made, secret))
        _wait_for(made.api)
        made.prefect("work-pool", "create", "pgflight", "--type", "process")
        deployed = made.prefect("--no-prompt", "deploy", "--all")
        assert deployed.returncode == 0, deployed.stdout
        target = world.environment(endpoint)
        worker = ["worker", "start", "--pool", "pgflight"]
        for _ in range(2):
            made.workers.append(stack.enter_context(_running(worker, made, target)))
        yield made


@contextmanager
def _running(
    arguments: list[str], deployments: Deployments, target: dict[str, str]
) -> Iterator[int]:
    with (deployments.home / f"{arguments[0]}.log").open("a") as log:
        process = subprocess.Popen(
            [*PREFECT, *arguments],
            cwd=deployments.home,
            env=deployments.environment | target,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(api: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                if client.get(f"{api}/health").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.2)
    raise TimeoutError(f"no Prefect server on {api} after {START_TIMEOUT_S:.0f} s")
