"""A Prefect server and its workers, each a process that may be killed and started."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import psycopg
from psycopg import sql

from flows.demo.loopback import HOST, free_port
from flows.demo.server import PostgresServer

CHECKOUT = Path(__file__).resolve().parents[2]
PREFECT = [sys.executable, "-m", "prefect"]
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 90.0
"""Longer than Prefect's SQLite waits for its lock, which is a minute."""
POOL = "pgflight"
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
DEPLOYMENT = "deploy-migration/production"

Found = TypeVar("Found")


def wait_for(
    look: Callable[[], Found], what: str, for_s: float = START_TIMEOUT_S
) -> Found:
    """What is found, as soon as it is; fails after a time that no machine needs."""
    deadline = time.monotonic() + for_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {for_s:g} s: {what}"
        time.sleep(0.05)
    return found


@dataclass
class Service:
    """One of Prefect's processes."""

    site: "Site"
    arguments: list[str]
    log: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*PREFECT, *self.arguments],
                cwd=self.site.home,
                env={**self.site.environment, **self.extra},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: int) -> None:
        """Send a signal and wait for the end that it is to bring."""
        assert self.process
        self.process.send_signal(number)
        self.process.wait(START_TIMEOUT_S)

    def stop(self) -> None:
        if self.process and self.is_alive:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)


@dataclass
class Site:
    """A Prefect server with the deployments of prefect.yaml."""

    home: Path
    port: int = field(default_factory=free_port)
    settings: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    services: list[Service] = field(default_factory=list)

    @property
    def api(self) -> str:
        return f"http://{HOST}:{self.port}/api"

    @property
    def environment(self) -> dict[str, str]:
        ours = ("PREFECT_", "PGFLIGHT_", "DATABASE_URL")
        kept = {n: v for n, v in os.environ.items() if not n.startswith(ours)}
        return {
            **kept,
            "PREFECT_API_URL": self.api,
            "PREFECT_HOME": str(self.home),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "TMPDIR": str(self.home),
            "DO_NOT_TRACK": "1",
            **self.settings,
        }

    def start_server(self) -> Service:
        address = ["--host", HOST, "--port", str(self.port)]
        server = self._start("server", ["server", "start", *address, *self.flags])
        self.wait_until_up()
        return server

    def start_worker(self, queue: str) -> Service:
        """A worker that takes the runs of one queue."""
        where = ["--pool", POOL, "--work-queue", queue, "--type", "process"]
        return self._start(queue, ["worker", "start", *where])

    def execute(self, run_id: str, **extra: str) -> Service:
        """What the containers of Docker and Kubernetes pools run."""
        return self._start(run_id, ["flow-run", "execute", run_id], extra)

    def wait_until_up(self) -> None:
        wait_for(lambda: self.is_up, f"a Prefect server on {self.api}")

    @property
    def is_up(self) -> bool:
        with suppress(httpx.TransportError):
            url = f"{self.api}/health"
            return httpx.get(url, trust_env=False, verify=False).is_success
        return False

    def prefect(self, *arguments: str, **extra: str) -> str:
        """Run Prefect's command line in the checkout."""
        done = subprocess.run(
            [*PREFECT, *arguments],
            cwd=CHECKOUT,
            env={**self.environment, **extra},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=START_TIMEOUT_S,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def deploy_all(self) -> None:
        pool = {"name": POOL, "type": "process"}
        self.post("/work_pools/", pool)
        self.prefect("--no-prompt", "deploy", "--all")

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: object) -> Any:
        """Again while its SQLite is busy, as Prefect's own clients do."""

        def answered() -> httpx.Response | None:
            answer = httpx.request(
                method,
                f"{self.api}{path}",
                json=body,
                trust_env=False,
                verify=False,
                timeout=ANSWER_TIMEOUT_S,
            )
            return None if answer.status_code in (429, 502, 503) else answer

        what = f"an answer to {method} {path}"
        answer = wait_for(answered, what, 3 * ANSWER_TIMEOUT_S)
        assert answer
        return answer.raise_for_status().json() if answer.content else None

    def state_of(self, run_id: str) -> tuple[str, str]:
        """Type and name of a run's state."""
        state = self.get(f"/flow_runs/{run_id}")["state"]
        return state["type"], state["name"]

    def is_over(self, run_id: str) -> bool:
        """Whether a run is in a final state."""
        return self.state_of(run_id)[0] in FINAL

    def set_state(self, run_id: str, type_: str, name: str, *, force: bool) -> None:
        """What the UI's buttons do."""
        body = {"state": {"type": type_, "name": name}, "force": force}
        self.post(f"/flow_runs/{run_id}/set_state", body)

    def pid_of(self, run_id: str) -> int | None:
        """The flow's own process, once its worker has told."""
        pid = self.get(f"/flow_runs/{run_id}")["infrastructure_pid"]
        return int(pid.rpartition(":")[2]) if pid else None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody holds the write lock of the server's database."""
        database = sqlite3.connect(self.home / "prefect.db", timeout=60)
        database.isolation_level = None
        try:
            database.execute("BEGIN IMMEDIATE")
            yield
        finally:
            database.close()

    def stop(self) -> None:
        for service in reversed(self.services):
            service.stop()

    def _start(
        self, name: str, arguments: list[str], extra: Mapping[str, str] | None = None
    ) -> Service:
        service = Service(self, arguments, self.home / f"{name}.log", extra or {})
        self.services.append(service)
        service.start()
        return service


@contextmanager
def prefect_site(home: Path, **settings: str) -> Iterator[Site]:
    """A server with the deployments; everything is stopped afterwards."""
    site = Site(home, settings=settings)
    try:
        site.start_server()
        site.deploy_all()
        yield site
    finally:
        site.stop()


def database_for_prefect(server: PostgresServer, name: str) -> dict[str, str]:
    """Make an empty database; returns Prefect's setting that names it."""
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = server.url(name).replace("postgresql://", "postgresql+asyncpg://")
    return {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}


def is_alive(pid: int) -> bool:
    """Whether a process is there, and is no zombie."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
