"""The demo's Prefect: a run of its deployment is executed, and nothing is left."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

DEMO = [sys.executable, "-m", "flows.cli", "demo", "--ui", "--users", "200"]
PATIENCE_S = 180.0


@pytest.fixture
def demo() -> Iterator["subprocess.Popen[str]"]:
    """The demo under way; a terminal's group of its own, for Ctrl-C."""
    alien = {"PGFLIGHT_MIGRATIONS": "/nowhere"}
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **alien}
    with subprocess.Popen(
        DEMO, env=environment, stdout=subprocess.PIPE, text=True, process_group=0
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def url_told(demo: "subprocess.Popen[str]") -> str:
    assert demo.stdout
    for line in demo.stdout:
        if found := re.search(r"UI: (http://127\.0\.0\.1:\d+)(/.*)", line):
            base, path = found.groups()
            settings = ask("GET", f"{base}/ui-settings")
            # There is an old one as well, at other paths.
            own = settings[f"{settings['default_ui']}_base_url"]
            assert path == f"{own}/deployments"
            return str(base)
    raise AssertionError("the demo has ended")


def ask(method: str, url: str, **body: Any) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = httpx.request(
            method, url, json=body or None, trust_env=False, timeout=PATIENCE_S
        )
        # While its SQLite is locked.
        if answer.status_code != 503 or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return answer.raise_for_status().json()


def wait_for_end(api: str, run: str) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        state = ask("GET", f"{api}/flow_runs/{run}")["state"]
        if state["type"] in ("COMPLETED", "FAILED", "CRASHED"):
            return str(state["name"])
        time.sleep(0.2)
    raise AssertionError("the run has not ended")


def test_run_of_the_form_is_executed_and_nothing_is_left(
    demo: "subprocess.Popen[str]",
) -> None:
    api = f"{url_told(demo)}/api"
    name = "deploy-migration/production"
    deployment = ask("GET", f"{api}/deployments/name/{name}")["id"]
    block = "block_types/slug/postgres-target/block_documents/name/demo"
    target = {"$ref": {"block_document_id": ask("GET", f"{api}/{block}")["id"]}}
    run = ask(
        "POST",
        f"{api}/deployments/{deployment}/create_flow_run",
        parameters={"migration": "008", "target": target},
        state={"type": "SCHEDULED"},
    )["id"]
    assert wait_for_end(api, run) == "Deployed"

    below = psutil.Process(demo.pid).children(recursive=True)
    os.killpg(demo.pid, signal.SIGINT)
    assert demo.wait(60) == 130
    assert psutil.wait_procs(below, timeout=30)[1] == []
