"""prefect.yaml in use: a Prefect server and a worker, each a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.demo.loopback import HOST, free_port
from flows.demo.server import PostgresServer
from flows.demo.service import run_application
from flows.demo.world import World
from tests.fix_server import clone_world

CHECKOUT = Path(__file__).resolve().parents[1]
PREFECT = [sys.executable, "-m", "prefect"]
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0
RUN_TIMEOUT_S = 180.0


@dataclass(frozen=True)
class Deployments:
    """A Prefect server with the deployments, and a worker on the world.

    Attributes:
        home: where the server keeps its database.
    """

    api: str
    home: Path
    world: World

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

    def pgflight(
        self, *arguments: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run our own command line, with this server for Prefect's."""
        kept = {n: v for n, v in self.environment.items() if not n.startswith("PGFL")}
        return subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            cwd=CHECKOUT,
            env=kept | variables,
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
        )

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Ask the server's API, as the UI does; again while its database is locked."""
        deadline = time.monotonic() + START_TIMEOUT_S
        with httpx.Client(trust_env=False, timeout=START_TIMEOUT_S) as client:
            while True:
                answer = client.request(method, f"{self.api}/{path}", json=body)
                if answer.status_code != 503 or time.monotonic() > deadline:
                    return answer
                time.sleep(0.2)

    def wait_for(self, run: str) -> dict[str, Any]:
        """A run as the server has it, once it is over."""
        deadline = time.monotonic() + RUN_TIMEOUT_S
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.ask("GET", f"flow_runs/{run}").json()
            if found["state"]["type"] in ("COMPLETED", "FAILED", "CRASHED"):
                return found
            time.sleep(0.2)
        raise TimeoutError(f"run {run} has not ended")

    def log_of(self, run: str) -> str:
        """A run's log; its last lines are sent after its final state."""
        asked = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC"}
        deadline = time.monotonic() + RUN_TIMEOUT_S
        while time.monotonic() < deadline:
            lines = self.ask("POST", "logs/filter", asked).json()
            # Of the flow, not of a task: the last line that there is.
            of_flow = [line for line in lines if line["task_run_id"] is None]
            if any("Finished in state" in line["message"] for line in of_flow):
                return "\n".join(line["message"] for line in lines)
            time.sleep(0.2)
        raise TimeoutError(f"the log of run {run} has no end")

    def read(self, name: str) -> dict[str, Any]:
        """A deployment as the server has it."""
        answer = self.ask("GET", f"deployments/name/{name}")
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    @property
    def environment(self) -> dict[str, str]:
        kept = {n: v for n, v in os.environ.items() if not n.startswith("PREFECT_")}
        return kept | {
            "PREFECT_API_URL": self.api,
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
        made = Deployments(f"http://{HOST}:{port}/api", home, world)
        address = ["--host", HOST, "--port", str(port)]
        stack.enter_context(_running(["server", "start", *address], made, {}))
        _wait_for(made.api)
        made.prefect("work-pool", "create", "pgflight", "--type", "process")
        deployed = made.prefect("--no-prompt", "deploy", "--all")
        assert deployed.returncode == 0, deployed.stdout
        target = world.environment(endpoint)
        worker = ["worker", "start", "--pool", "pgflight"]
        stack.enter_context(_running(worker, made, target))
        yield made


@contextmanager
def _running(
    arguments: list[str], deployments: Deployments, target: dict[str, str]
) -> Iterator[None]:
    with (deployments.home / f"{arguments[0]}.log").open("w") as log:
        process = subprocess.Popen(
            [*PREFECT, *arguments],
            cwd=deployments.home,
            env=deployments.environment | target,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield
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
