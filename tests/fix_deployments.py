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
import psycopg
import pytest
from cryptography.fernet import Fernet
from psycopg import sql

from flows.demo.loopback import HOST, free_port
from flows.demo.server import PostgresServer
from flows.demo.service import run_application
from flows.demo.world import World
from tests.crashes.site import database_for_prefect
from tests.fix_server import clone_world

CHECKOUT = Path(__file__).resolve().parents[1]
PREFECT = [sys.executable, "-m", "prefect"]
PGFLIGHT = [sys.executable, "-m", "flows.cli"]
LOGIN = "ci:not-a-real-secret"
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0
RUN_TIMEOUT_S = 180.0
OVER = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
"""The types of the states that a run ends in."""
ANSWER_TIMEOUT_S = 90.0
"""Longer than Prefect's SQLite waits for its lock, which is a minute."""


@dataclass(frozen=True)
class Deployments:
    """A Prefect server with the deployments, and two workers on the world.

    The server wants a login, as one that others can reach should. It keeps its data in
    PostgreSQL: in Prefect's SQLite a writer has all others wait, up to a minute each.

    Attributes:
        database: of the server's own data.
        workers: process ids.
    """

    api: str
    database: str
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
        with httpx.Client(
            base_url=base,
            auth=login,
            trust_env=False,
            verify=False,
            timeout=ANSWER_TIMEOUT_S,
        ) as client:
            yield client

    def post(self, path: str, **body: Any) -> Any:
        """One request to the API."""
        return self.ask("POST", path, body).raise_for_status().json()

    def prefect(
        self, *arguments: str, cwd: Path = CHECKOUT
    ) -> subprocess.CompletedProcess[str]:
        """Run Prefect's command line in the checkout, as CI does."""
        return subprocess.run(
            [*PREFECT, *arguments],
            cwd=cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A run that no worker takes would be watched for ever.
            timeout=RUN_TIMEOUT_S,
        )

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Ask the server's API, as the UI does; again while its database is locked."""
        deadline = time.monotonic() + RUN_TIMEOUT_S
        with self.client() as client:
            while True:
                answer = client.request(method, path, json=body)
                if answer.status_code != 503 or time.monotonic() > deadline:
                    return answer
                time.sleep(0.2)

    def stored(self) -> str:
        """All that the server has in its database, as text."""
        with psycopg.connect(self.database) as conn:
            tables = conn.execute(
                "SELECT c.oid::regclass::text FROM pg_class AS c"
                " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
            ).fetchall()
            select = sql.SQL("SELECT t::text FROM {} AS t")
            return "\n".join(
                str(conn.execute(select.format(sql.SQL(table))).fetchall())
                for (table,) in tables
            )

    def wait_for(self, run: str) -> dict[str, Any]:
        """A run as the server has it, once it is over."""
        deadline = time.monotonic() + RUN_TIMEOUT_S
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.ask("GET", f"flow_runs/{run}").json()
            if found["state"]["type"] in OVER:
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
            "PREFECT_API_AUTH_STRING": LOGIN,
            # The shortest that Prefect takes.
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            "PREFECT_HOME": str(self.home),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            # A worker keeps files in $TMPDIR/runner_storage, which is the first
            # account's that ran one on this machine.
            "TMPDIR": str(self.home),
            "DO_NOT_TRACK": "1",
        }


@pytest.fixture(scope="module")
def deployments(
    server: PostgresServer,
    complete_server: PostgresServer,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployments]:
    """Everything that prefect.yaml's first lines say to start."""
    with ExitStack() as stack:
        world = stack.enter_context(clone_world(server, template))
        endpoint = stack.enter_context(run_application(world))
        port, home = free_port(), tmp_path_factory.mktemp("prefect")
        api, own = f"http://{HOST}:{port}/api", f"prefect_{port}"
        made = Deployments(api, complete_server.url(own), home, world, endpoint)
        address = ["--host", HOST, "--port", str(port)]
        secret = {
            "PREFECT_SERVER_API_AUTH_STRING": LOGIN,
            "PREFECT_SERVER_ENCRYPTION_KEY": Fernet.generate_key().decode(),
            **database_for_prefect(complete_server, own),
        }
        stack.enter_context(_running(["server", "start", *address], made, secret))
        wait_for_server(made.api)
        made.prefect("work-pool", "create", "pgflight", "--type", "process")
        deployed = made.prefect("--no-prompt", "deploy", "--all")
        assert deployed.returncode == 0, deployed.stdout
        target = world.environment(endpoint)
        target |= {_of_staging(name): value for name, value in target.items()}
        worker = ["worker", "start", "--pool", "pgflight"]
        for _ in range(2):
            made.workers.append(stack.enter_context(_running(worker, made, target)))
        yield made


def _of_staging(variable: str) -> str:
    """The same target under a name: a run may go to `staging`."""
    if variable.startswith("PGFLIGHT_"):
        return variable.replace("PGFLIGHT_", "PGFLIGHT_STAGING_", 1)
    return f"{variable}_STAGING"


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
            end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Have one of Prefect's processes end, by force if it takes too long."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for_server(api: str) -> None:
    """Return as soon as the server answers."""
    deadline = time.monotonic() + START_TIMEOUT_S
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                if client.get(f"{api}/health").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.2)
    raise TimeoutError(f"no Prefect server on {api} after {START_TIMEOUT_S:.0f} s")
