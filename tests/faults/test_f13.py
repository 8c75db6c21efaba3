"""F13: an application that misbehaves after the migration, in whole deployments."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from flows.demo.world import World
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from tests.faults import alone
from tests.fix_migrations import state_in_ledger
from tests.fix_secrets import write_migration
from tests.misbehaving import SECRET, Application

# Generous: what is not bounded at all takes many times as long.
LONGEST_S = 40.0

MANIFEST = """
[smoke]
passes = 2
timeout_ms = {timeout_ms}
deadline_ms = {deadline_ms}

[[smoke.probes]]
name = "up"
path = "/fine"
expect = {{ json = {{ ok = true }} }}

[[smoke.probes]]
name = "new"
needs_migration = true
path = "/{path}"
expect = {{ json = {{ ok = true }} }}
"""

JUDGED = {
    "broken": (Outcome.ROLLED_BACK, "status 500 instead of 200"),
    "other_json": (Outcome.ROLLED_BACK, "JSON key ok is not as expected"),
    "html": (Outcome.ROLLED_BACK, "the body is not JSON (HTML)"),
    "redirect_loop": (Outcome.ROLLED_BACK, "a redirect that was not followed"),
    "silent": (Outcome.NEEDS_DECISION, "no answer within timeout_ms"),
    "dripping_body": (Outcome.NEEDS_DECISION, "not complete within timeout_ms"),
    "dripping_header": (Outcome.NEEDS_DECISION, "within timeout_ms"),
    "busy": (Outcome.NEEDS_DECISION, "status 503 instead of 200"),
    "reset": (Outcome.NEEDS_DECISION, "closed by the other side"),
    "garbage": (Outcome.NEEDS_DECISION, "not valid, complete HTTP"),
    "recovering": (Outcome.DEPLOYED, ""),
}
UNREACHED = {
    "https://127.0.0.1:{port}": "the TLS handshake failed",
    "http://127.0.0.1:1": "the connection was refused",
    "http://nowhere.invalid": "the host name was not resolved",
}
STATES = {
    Outcome.DEPLOYED: "accepted",
    Outcome.ROLLED_BACK: "rolled_back",
    Outcome.NEEDS_DECISION: "verified",
    Outcome.BLOCKED: None,
}


@pytest.fixture
def endpoint(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    with Application() as server, server.answering():
        for name, value in world.environment(server.url).items():
            monkeypatch.setenv(name, value)
        yield server


def f13(folder: Path, path: str) -> Report:
    """Deploy a small migration whose new call is answered so."""
    # What must run out is short; what must not is longer than a slow machine needs.
    must_run_out = JUDGED[path][0] is Outcome.NEEDS_DECISION
    limit_ms, deadline_ms = (300, 1_500) if must_run_out else (20_000, 30_000)
    manifest = MANIFEST.format(path=path, timeout_ms=limit_ms, deadline_ms=deadline_ms)
    up = "CREATE TABLE platform.t009 (id integer);"
    write_migration(folder, up, down="DROP TABLE platform.t009;", toml=manifest)
    return alone.deploy(folder, "009")


@pytest.mark.parametrize("path", JUDGED)
def test_application_misbehaves_after_the_migration(
    path: str,
    endpoint: Application,
    folder: Path,
    owner: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    outcome, said = JUDGED[path]
    caplog.set_level(logging.DEBUG)
    began = time.monotonic()
    report = f13(folder, path)
    assert time.monotonic() - began < LONGEST_S
    assert (report.outcome, state_in_ledger(owner)) == (outcome, STATES[outcome])
    assert (report.rollback is not None) == (outcome is Outcome.ROLLED_BACK)
    assert said in " ".join(report.errors)
    assert SECRET not in report.model_dump_json() + caplog.text


@pytest.mark.parametrize("url", UNREACHED)
def test_application_that_is_not_reached_keeps_the_migration_out(
    url: str,
    endpoint: Application,
    folder: Path,
    owner: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGFLIGHT_ENDPOINT", url.format(port=endpoint.server_port))
    report = f13(folder, "busy")
    assert (report.outcome, state_in_ledger(owner)) == (Outcome.BLOCKED, None)
    assert UNREACHED[url] in report.errors[0]
