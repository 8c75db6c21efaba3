"""The command line as its users run it: in a process of its own."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from flows.cli import code_of_stopped
from flows.demo.loopback import HOST
from flows.demo.world import World
from flows.migration.errors import PgflightError
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from tests.fix_flight import NO_ENDPOINT

Pgflight = Callable[..., "subprocess.CompletedProcess[str]"]

PASSWORD_TRAPS = "p%40ss%2Fw%3Ard%3F"


@pytest.fixture
def pgflight(folder: Path) -> Pgflight:
    """Runs pgflight with nothing but these variables in its environment."""

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PGFLIGHT_", "PG", "DATABASE_URL"))
        }
        return subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            env={**kept, "PGFLIGHT_MIGRATIONS": str(folder), **variables},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.fixture
def with_prefect(prefect: None) -> Iterator[dict[str, str]]:
    """The address of the tests' own Prefect server."""
    from prefect.settings import PREFECT_API_URL

    yield {"PREFECT_API_URL": str(PREFECT_API_URL.value())}


def test_help_teaches(pgflight: Pgflight) -> None:
    text = pgflight("--help").stdout
    for word in ("deploy", "rollback", "restore", "verify", "status", "plan", "demo"):
        assert word in text
    assert "DATABASE_URL" in text
    assert "40 NEEDS_DECISION" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["deploi"],
        ["deploy"],
        ["deploy", "008", "--budget-ms", "soon"],
        ["deploy", "008", "--budget-ms", "0"],
        ["plan", "008", "--budget-ms=-5"],
    ],
)
def test_wrong_usage_exits_with_2(pgflight: Pgflight, arguments: list[str]) -> None:
    done = pgflight(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr


def test_plan_needs_no_database(pgflight: Pgflight) -> None:
    done = pgflight("plan", "008")
    assert done.returncode == 0
    assert "ACCESS EXCLUSIVE" in done.stdout


def test_plan_as_json_is_only_json(pgflight: Pgflight, world: World) -> None:
    done = pgflight("plan", "8", "--json", DATABASE_URL=world.owner_url)
    plan = json.loads(done.stdout)
    assert plan["version"] == "008"
    assert plan["expected_ms"] > 0


def test_unknown_migration_names_what_there_is(pgflight: Pgflight) -> None:
    done = pgflight("plan", "active_orgs")
    assert done.returncode == 10
    assert "008_active_org" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_without_database_url_says_what_to_do(pgflight: Pgflight) -> None:
    done = pgflight("status")
    assert done.returncode == 10
    assert "DATABASE_URL is not set" in done.stderr
    assert "export DATABASE_URL=" in done.stderr


def test_status_shows_pending_and_hold(pgflight: Pgflight, world: World) -> None:
    done = pgflight("status", "--json", DATABASE_URL=world.owner_url)
    states = {line["version"]: line["state"] for line in json.loads(done.stdout)}
    assert states == {"007": "on hold", "008": "pending"}


def test_status_of_an_empty_folder_says_so(
    pgflight: Pgflight, world: World, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = pgflight("status", "--folder", str(empty), DATABASE_URL=world.owner_url)
    assert done.stdout == f"{empty}: holds no migration\n"


def test_no_password_in_any_output(pgflight: Pgflight) -> None:
    url = f"postgresql://u:{PASSWORD_TRAPS}@127.0.0.1:9/nowhere"
    done = pgflight("status", DATABASE_URL=url)
    assert done.returncode == PgflightError.outcome.exit_code
    for spelling in (PASSWORD_TRAPS, "p@ss/w:rd?"):
        assert spelling not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "name", "value", "gist"),
    [
        ("deploy 008", "PREFECT_API_URL", "http://127.0.0.1:9/api", "does not answer"),
        ("deploy 008", "PREFECT_HOME", "/dev/null/prefect", "Set PREFECT_HOME"),
        ("demo", "XDG_CACHE_HOME", "/dev/null/cache", "XDG_CACHE_HOME to"),
    ],
)
def test_prefect_that_cannot_work_is_named(
    pgflight: Pgflight, command: str, name: str, value: str, gist: str
) -> None:
    done = pgflight(*command.split(), **{name: value})
    assert done.returncode == 10
    assert value in done.stderr
    assert gist in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.fixture
def locked_prefect(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A profile of Prefect's that names a server which wants to know who asks."""

    class Locked(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            self.send_response(401)
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_any

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer((HOST, 0), Locked) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://{HOST}:{server.server_port}/api"
        profile = f'active = "a"\n[profiles.a]\nPREFECT_API_URL = "{url}"\n'
        (tmp_path / "profiles.toml").write_text(profile)
        yield {"PREFECT_HOME": str(tmp_path)}
        server.shutdown()


@pytest.mark.parametrize(
    "command", ["verify", "status --target prod", "register", "run 008", "automations"]
)
def test_server_that_wants_a_login_is_said_to(
    pgflight: Pgflight, locked_prefect: dict[str, str], command: str
) -> None:
    """And no private one is said to be used, where a profile names one."""
    done = pgflight(*command.split(), **locked_prefect)
    said = done.stdout + done.stderr
    assert done.returncode == 10, said
    assert "wants a login (401)" in said
    assert "Set PREFECT_API_AUTH_STRING" in said
    assert "private Prefect server" not in said


def test_deploy_and_rollback(
    pgflight: Pgflight,
    with_prefect: dict[str, str],
    world: World,
    application: str,
    owner: psycopg.Connection,
) -> None:
    target = {**with_prefect, **world.environment(application)}
    deployed = pgflight("deploy", "008", "--json", **target)
    assert deployed.returncode == 0, deployed.stderr
    assert json.loads(deployed.stdout)["outcome"] == "DEPLOYED"
    assert "✅ Migration 008 applied successfully!" in deployed.stderr

    reverted = pgflight("rollback", "008", "--yes", **target)
    assert reverted.returncode == 0, reverted.stderr
    assert "450 rows of platform.users.active_org_id will be saved" in reverted.stdout
    assert "ROLLED_BACK" in reverted.stdout


def test_blocked_deploy_has_its_exit_code_and_no_traceback(
    pgflight: Pgflight, with_prefect: dict[str, str], world: World
) -> None:
    target = {**with_prefect, **world.environment(NO_ENDPOINT)}
    done = pgflight("deploy", "007", **target)
    assert done.returncode == 10
    assert "on hold" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert world.owner_url not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "gist"),
    [
        ("report.html", "must end in .md or .json"),
        ("missing/report.md", "cannot be written: No such file"),
        ("folder.md", "is a directory"),
    ],
)
@pytest.mark.parametrize("command", ["deploy 008", "recover"])
def test_report_that_cannot_be_written_is_said_at_once(
    pgflight: Pgflight, tmp_path: Path, command: str, file: str, gist: str
) -> None:
    (tmp_path / "folder.md").mkdir()
    before = sorted(tmp_path.iterdir())
    done = pgflight(*command.split(), "--report", str(tmp_path / file))
    said = " ".join((done.stdout + done.stderr).replace("│", " ").split())
    assert done.returncode == 2
    assert gist in said
    assert "Traceback" not in said
    assert sorted(tmp_path.iterdir()) == before


def test_report_is_written_however_it_ends(
    pgflight: Pgflight, with_prefect: dict[str, str], world: World, tmp_path: Path
) -> None:
    """And it is this run's: an earlier one is gone, and nothing else is left there."""
    here = tmp_path / "reports"
    here.mkdir()
    target = {**with_prefect, **world.environment(NO_ENDPOINT)}
    for name in ("report.md", "report.json"):
        (here / name).write_text("an earlier one")
        done = pgflight("deploy", "007", "--report", str(here / name), **target)
        assert done.returncode == 10, done.stderr
    told = json.loads((here / "report.json").read_text())
    assert (told["outcome"], told["exit_code"]) == ("BLOCKED", 10)
    page = (here / "report.md").read_text()
    assert page.startswith("# ⛔ BLOCKED: deploy 007")
    assert "`pgflight deploy 007`" in page
    assert "1. pgflight deploy 007" in done.stdout
    assert len(list(here.iterdir())) == 2


@pytest.mark.parametrize(
    ("action", "outcome", "code"),
    [
        ("recover", Outcome.BLOCKED, 130),
        ("recover", Outcome.NOTHING_TO_DO, 0),
        ("recover", Outcome.NEEDS_DECISION, 40),
        ("deploy", Outcome.DEPLOYED, 130),
        ("deploy", Outcome.ROLLED_BACK, 20),
    ],
)
def test_stopped_recovery_ends_with_its_own_code(
    action: str, outcome: Outcome, code: int
) -> None:
    """One deployment of it that went well is not yet what was asked for."""
    report = Report(action=action, version="", run_id="").conclude(outcome)
    assert code_of_stopped(report, "recover") == code
