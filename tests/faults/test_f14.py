"""F14: an application whose warm connections hold a plan from before the migration."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from flows.demo.world import World
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from tests.faults import alone
from tests.fix_migrations import state_in_ledger
from tests.fix_secrets import write_migration

MANIFEST = """
[smoke]
deadline_ms = 1000

[[smoke.probes]]
name = "users"
path = "/users"
"""


class WarmApplication(ThreadingHTTPServer):
    """One pooled connection, on which SELECT * is prepared.

    Attributes:
        is_open: its errors say what the database said.
    """

    def __init__(self, url: str, is_open: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.is_open = is_open
        self.lock = threading.Lock()
        self.pooled = psycopg.connect(url, autocommit=True)

    def ask(self) -> tuple[int, dict[str, str]]:
        with self.lock:
            try:
                self.pooled.execute("SELECT * FROM platform.users", prepare=True)
            except psycopg.errors.FeatureNotSupported as error:
                said = f"{error} ({error.sqlstate})" if self.is_open else "see the log"
                return 500, {"error": said}
        return 200, {}


class _Handler(BaseHTTPRequestHandler):
    server: WarmApplication

    def do_GET(self) -> None:
        status, answer = self.server.ask()
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def warm_application(world: World, is_open: bool) -> Iterator[str]:
    with WarmApplication(world.app_url, is_open) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.pooled.close()


def f14(
    world: World, folder: Path, patch: pytest.MonkeyPatch, *, is_open: bool
) -> Report:
    """Deploy a column into a table that a warm connection reads all columns of."""
    up = "ALTER TABLE platform.users ADD COLUMN nickname text;"
    down = "ALTER TABLE platform.users DROP COLUMN nickname;"
    write_migration(folder, up, down=down, toml=MANIFEST)
    with warm_application(world, is_open) as url:
        for name, value in world.environment(url).items():
            patch.setenv(name, value)
        return alone.deploy(folder, "009")


def test_stale_plan_is_told_with_its_cure_and_nothing_is_taken_back(
    world: World,
    folder: Path,
    owner: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = f14(world, folder, monkeypatch, is_open=True)
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert "(0A000, cached plan must not change result type)" in report.errors[0]
    assert "recycle its connection pools" in report.errors[0]
    assert report.rollback is None
    assert state_in_ledger(owner) == "verified"


def test_stale_plan_that_the_application_keeps_to_itself_is_a_failure(
    world: World,
    folder: Path,
    owner: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The limit of it: a 500 without a word is the migration's fault."""
    report = f14(world, folder, monkeypatch, is_open=False)
    assert report.outcome is Outcome.ROLLED_BACK
    assert state_in_ledger(owner) == "rolled_back"
