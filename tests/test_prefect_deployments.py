"""The three ways of triggering, on prefect.yaml as it is: by name, as CI does it."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import psycopg
import pytest

from flows.demo.loopback import HOST
from flows.remote.automations import FLOWS
from flows.resources import SQL
from tests.fix_deployments import CHECKOUT, LOGIN, PGFLIGHT, RUN_TIMEOUT_S, Deployments
from tests.fix_relay import relay_to

Done = subprocess.CompletedProcess[str]
SHORTEST_S = 10
"""That Prefect lets an automation wait for an event."""
IS_CAMPAIGN = os.environ.get("PGFLIGHT_TEST_CRASHES") == "all"
DEPLOY = ("run", "008", "--watch")
ROLL_BACK = (
    *("run", "008", "--deployment", "rollback-migration/production", "--watch"),
    *("--param", "confirm=008"),
)
NIGHTLY = ("run", "--deployment", "verify-migration/nightly", "--watch")
ALL_DEPLOYMENTS = {
    "deploy-migration": "deploy-migration/production",
    "rollback-migration": "rollback-migration/production",
    "restore-migration": "restore-migration/production",
    "verify-migration": "verify-migration/nightly",
    "recover-migrations": "recover-migrations/production",
}
OUR_BACKENDS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND application_name LIKE 'pgflight%%'"
)


@pytest.fixture(scope="module")
def owner(deployments: Deployments) -> Iterator[psycopg.Connection]:
    """The deploying role, in the workers' target."""
    with psycopg.connect(deployments.world.owner_url, autocommit=True) as conn:
        yield conn


@pytest.fixture(scope="module")
def told(deployments: Deployments) -> Iterator[list[str]]:
    """What the notification block has sent; the automations are made twice."""
    heard: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            heard.append(self.rfile.read(size).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer((HOST, 0), Ear) as ear:
        threading.Thread(target=ear.serve_forever, daemon=True).start()
        _make_block(deployments, f"http://{HOST}:{ear.server_port}/")
        arguments = ("--notify", "custom-webhook/ops", "--heartbeat-seconds", "30")
        for _ in range(2):
            made = deployments.pgflight("automations", *arguments)
            assert made.returncode == 0, made.stderr
        yield heard
        ear.shutdown()


@contextmanager
def patience(deployments: Deployments, seconds: int) -> Iterator[None]:
    """How long the next heartbeat of a run is waited for."""
    automations = deployments.post("automations/filter")
    (found,) = [one for one in automations if "heartbeat" in one["name"]]
    path = f"automations/{found.pop('id')}"
    # What the server notes beside it, and does not take back.
    del found["created"], found["updated"]
    before = found["trigger"]
    assert before["within"] == 90

    def put(trigger: dict[str, Any]) -> None:
        answer = deployments.ask("PUT", path, found | {"trigger": trigger})
        answer.raise_for_status()

    put(before | {"within": seconds})
    try:
        yield
    finally:
        put(before)


def _make_block(deployments: Deployments, url: str) -> None:
    """As a person does it in the UI."""
    with deployments.client() as client:
        kind = client.get("block_types/slug/custom-webhook").json()["id"]
        schema = deployments.post(
            "block_schemas/filter", block_schemas={"block_type_id": {"any_": [kind]}}
        )[0]["id"]
    said = {"subject": "{{subject}}", "body": "{{body}}"}
    told = {"name": "ops", "url": url, "json_data": said}
    deployments.post(
        "block_documents/",
        name="ops",
        block_type_id=kind,
        block_schema_id=schema,
        data=told,
    )


@pytest.fixture(scope="module")
def story(deployments: Deployments, told: list[str]) -> dict[str, Done]:
    """One migration there and back: what CI was shown of each run."""
    key = ("--idempotency-key", "job-1-attempt-1")
    return {
        "deploy": deployments.pgflight(*DEPLOY, *key, "--json", "--tag", "ci"),
        "again": deployments.pgflight(*DEPLOY, *key),
        "verify": deployments.pgflight(*NIGHTLY),
        "roll back": deployments.pgflight(*ROLL_BACK, "--json"),
    }


def test_ci_deploys_verifies_and_rolls_back(story: dict[str, Done]) -> None:
    codes = {name: done.returncode for name, done in story.items()}
    assert codes == dict.fromkeys(story, 0), story
    report = json.loads(story["deploy"].stdout)
    assert (report["outcome"], report["exit_code"]) == ("DEPLOYED", 0)
    assert len(report["checks"]) > 5
    assert json.loads(story["roll back"].stdout)["saved"]


def test_log_is_shown_as_it_grows(story: dict[str, Done]) -> None:
    shown = story["deploy"].stderr
    lines = ("/runs/flow-run/", "is Running", "✅ Planned", "deploy 008: DEPLOYED")
    places = [shown.find(line) for line in lines]
    assert -1 not in places
    assert places == sorted(places)
    assert "Finished in state" not in shown


def test_same_idempotency_key_is_the_same_run(story: dict[str, Done]) -> None:
    first = json.loads(story["deploy"].stdout)["flow_run"]
    assert f"again, by its idempotency key: {first['url']}" in story["again"].stdout
    assert "NOTHING_TO_DO" not in story["again"].stdout


def test_nightly_verifies_all_that_was_accepted(story: dict[str, Done]) -> None:
    assert "Accepted: 008" in story["verify"].stdout
    assert "verify: NOTHING_TO_DO" in story["verify"].stdout


def test_prefect_keeps_no_secret(
    deployments: Deployments, story: dict[str, Done]
) -> None:
    # While a run is on, its environment is in a file that the worker hands to it.
    handed = "prefect-workspace-attempt-"
    files = [
        path
        for path in deployments.home.rglob("*")
        if path.is_file() and handed not in str(path)
    ]
    stored = deployments.stored().encode()
    kept = b"".join([stored, *(path.read_bytes() for path in files)])
    password = urlsplit(deployments.world.owner_url).password
    assert b"deploy-migration" in kept
    assert password
    assert password.encode() not in kept
    assert deployments.world.token.encode() not in kept


def test_worker_keeps_its_files_where_its_server_does(
    deployments: Deployments, story: dict[str, Done]
) -> None:
    """Not in /tmp: nothing is left there, and nobody else's folder is in the way."""
    assert (deployments.home / "runner_storage").is_dir()


def test_blocked_has_its_exit_code(deployments: Deployments) -> None:
    done = deployments.pgflight("run", "007", "--watch", "--json")
    assert done.returncode == 10
    assert json.loads(done.stdout)["outcome"] == "BLOCKED"


def test_rolled_back_is_told_with_the_log_of_the_subflow(
    deployments: Deployments, tmp_path: Path, told: list[str]
) -> None:
    folder = copy_of_migrations(tmp_path)
    probes = folder / "008_active_org" / "migration.toml"
    text = probes.read_text().replace('"member sets the organization"', '"broken"')
    probes.write_text(text.replace("json = { active_org_id", "json = { nothing_of_it"))
    done = deployments.pgflight(*DEPLOY, "--param", f"folder={folder}")
    assert done.returncode == 20, done.stdout
    assert "✅ down.sql executed" in done.stdout
    wait_until(lambda: any("RolledBack" in text for text in told))
    (said,) = [text for text in told if "RolledBack" in text]
    assert "deploy 008: ROLLED_BACK" in said
    assert "The smoke test failed" in said


def end(
    deployments: Deployments,
    flow: str,
    name: str,
    message: str,
    *,
    is_deployed: bool = True,
) -> str:
    """A run that ends like this, without a worker; not deployed, it is a subflow."""
    like = deployments.read(ALL_DEPLOYMENTS[flow])
    made = {"flow_id": like["flow_id"], "state": {"type": "RUNNING"}}
    if is_deployed:
        made["deployment_id"] = like["id"]
    run = deployments.post("flow_runs/", name=message, **made)["id"]
    kind = {"Crashed": "CRASHED", "Suspended": "PAUSED"}.get(name, "FAILED")
    state = {"type": kind, "name": name, "message": message}
    deployments.post(f"flow_runs/{run}/set_state", state=state, force=True)
    return str(run)


@pytest.mark.parametrize(
    ("flow", "name", "is_deployed"),
    [
        ("deploy-migration", "RolledBack", False),
        ("deploy-migration", "Crashed", True),
        ("deploy-migration", "TimedOut", True),
        ("deploy-migration", "Failed", True),
        ("deploy-migration", "Suspended", True),
        ("rollback-migration", "RollbackFailed", True),
        ("rollback-migration", "Crashed", True),
        ("restore-migration", "NeedsDecision", True),
        ("verify-migration", "Blocked", True),
        ("verify-migration", "NeedsDecision", True),
    ],
)
def test_told_with_the_reason(
    deployments: Deployments,
    told: list[str],
    flow: str,
    name: str,
    is_deployed: bool,
) -> None:
    reason = f"why {flow} is {name}"
    end(deployments, flow, name, reason, is_deployed=is_deployed)
    wait_until(lambda: any(name in text and reason in text for text in told))


def test_not_told(deployments: Deployments, told: list[str]) -> None:
    """A rollback that was asked for; what its deployment tells; a refused one."""
    end(deployments, "rollback-migration", "RolledBack", "quiet: as asked")
    subflow = "quiet: its deployment tells it"
    end(deployments, "rollback-migration", "RollbackFailed", subflow, is_deployed=False)
    end(deployments, "deploy-migration", "Blocked", "quiet: refused")
    end(deployments, "deploy-migration", "Unknown", "after the silent ones")
    wait_until(lambda: any("after the silent ones" in text for text in told))
    assert [text for text in told if "quiet" in text] == []


def test_recovery_that_finds_the_same_again_is_told_once(
    deployments: Deployments, told: list[str]
) -> None:
    """It looks every five minutes."""
    for message in ["008 waits"] * 7 + ["009 waits"] * 3:
        end(deployments, "recover-migrations", "NeedsDecision", message)
    wait_until(lambda: any("009 waits" in text for text in told))
    assert len([text for text in told if "008 waits" in text]) == 1


def event_of(deployments: Deployments, run: str, name: str) -> dict[str, Any]:
    """An event of a run of deploy-migration, as Prefect sends it."""
    flow = deployments.read(ALL_DEPLOYMENTS["deploy-migration"])["flow_id"]
    return {
        "id": str(uuid4()),
        "event": f"prefect.flow-run.{name}",
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
        "related": [
            {
                "prefect.resource.id": f"prefect.flow.{flow}",
                "prefect.resource.role": "flow",
                "prefect.resource.name": "deploy-migration",
            }
        ],
    }


def test_run_whose_heartbeat_stops_is_crashed(
    deployments: Deployments, told: list[str]
) -> None:
    """The automation's own action, on a heartbeat that no process sends again."""
    like = deployments.read(ALL_DEPLOYMENTS["deploy-migration"])
    made = {"flow_id": like["flow_id"], "deployment_id": like["id"]}
    run = deployments.post("flow_runs/", **made, state={"type": "RUNNING"})["id"]
    with patience(deployments, SHORTEST_S):
        beat = event_of(deployments, run, "heartbeat")
        deployments.ask("POST", "events", [beat]).raise_for_status()
        state = deployments.wait_for(run)["state"]
    assert state["name"] == "Crashed"
    assert "heartbeat was lost" in state["message"]


def test_event_that_prefect_delivers_twice_is_told_once(
    deployments: Deployments, told: list[str]
) -> None:
    run = end(deployments, "deploy-migration", "Unknown", "some run")
    event = event_of(deployments, run, "RolledBack")
    event["resource"] |= {
        "prefect.state-name": "RolledBack",
        "prefect.state-message": "delivered twice",
        "prefect.state-timestamp": "2026-11-27T02:00:00+00:00",
    }
    # Under another id: the same one is not even taken by Prefect.
    twice = [event | {"id": str(uuid4())} for _ in range(2)]
    deployments.ask("POST", "events", twice).raise_for_status()
    end(deployments, "deploy-migration", "Unknown", "after both")
    wait_until(lambda: any("after both" in text for text in told))
    assert len([text for text in told if "delivered twice" in text]) == 1


def test_busy_has_a_name_of_its_own_and_is_no_crash(
    deployments: Deployments, owner: psycopg.Connection
) -> None:
    key = int.from_bytes(b"pgclaim", "big")
    owner.execute("SELECT pg_advisory_lock(%s)", [key])
    try:
        done = deployments.pgflight(*DEPLOY, "--json")
    finally:
        owner.execute("SELECT pg_advisory_unlock(%s)", [key])
    found = json.loads(done.stdout)
    run = deployments.post(
        "flow_runs/filter", flow_runs={"id": {"any_": [found["flow_run"]["id"]]}}
    )[0]
    assert (done.returncode, found["is_busy"]) == (10, True)
    assert (run["state_name"], run["state_type"]) == ("Busy", "CANCELLED")


@pytest.mark.parametrize(
    ("arguments", "gist"),
    [
        (("run", "008", "--deployment", "deploy-migration/prod"), "recover-migrations"),
        (("run", "008", "--param", "budget_ms=0"), "budget_ms"),
        (("run", "008", "--param", "budget_ms"), "is not name=value"),
        (("automations", "--notify", "slack-webhook/nobody"), "has no block"),
    ],
)
def test_what_is_wrong_is_one_message(
    deployments: Deployments, arguments: tuple[str, ...], gist: str
) -> None:
    done = deployments.pgflight(*arguments)
    assert done.returncode == 10
    assert gist in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("login", ["", "ci:wrong"])
def test_without_the_login_it_is_said_which_variable(
    deployments: Deployments, login: str
) -> None:
    done = deployments.pgflight(*DEPLOY, PREFECT_API_AUTH_STRING=login)
    assert done.returncode == 10
    assert "PREFECT_API_AUTH_STRING" in done.stderr
    assert LOGIN.split(":")[1] not in done.stderr


def test_server_that_is_not_there_is_said(deployments: Deployments) -> None:
    done = deployments.pgflight(*DEPLOY, PREFECT_API_URL=f"http://{HOST}:9/api")
    assert done.returncode == 10
    assert "does not answer" in done.stderr


@contextmanager
def paused_pool(deployments: Deployments) -> Iterator[None]:
    pool = "work_pools/pgflight"
    deployments.ask("PATCH", pool, {"is_paused": True}).raise_for_status()
    try:
        yield
    finally:
        deployments.ask("PATCH", pool, {"is_paused": False}).raise_for_status()


def test_run_that_nobody_takes_is_said_and_goes_on(deployments: Deployments) -> None:
    limits = ("--pickup", "0.1", "--timeout", "3")
    with paused_pool(deployments):
        done = deployments.pgflight(*DEPLOY, *limits)
        delete_run(deployments, done.stdout)
    assert done.returncode == 60
    assert "is paused: prefect work-pool resume pgflight" in done.stdout
    page = deployments.api.replace("/api", "/v2/runs/flow-run/")
    assert f"The run goes on. Look there: {page}" in done.stdout


def test_lost_api_is_said_and_survived(deployments: Deployments) -> None:
    port = urlsplit(deployments.api).port
    assert port
    with relay_to(port) as relay, paused_pool(deployments):
        api = f"http://{HOST}:{relay.port}/api"
        with following(deployments, *DEPLOY, PREFECT_API_URL=api) as watch:
            lines = read_until(watch, "is Scheduled")
            relay.cut()
            read_until(watch, "The Prefect API does not answer")
            relay.mend()
            read_until(watch, "The Prefect API answers again")
            relay.cut()
            read_until(watch, "The Prefect API does not answer")
            watch.send_signal(signal.SIGTERM)
            said, _ = watch.communicate(timeout=60)
        delete_run(deployments, lines)
    assert "Whether the run goes on is not known" in said


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_stopped_watch_says_how_to_cancel(
    deployments: Deployments, sent: signal.Signals
) -> None:
    with paused_pool(deployments), following(deployments, *DEPLOY) as watch:
        lines = read_until(watch, "is Scheduled")
        watch.send_signal(sent)
        rest, _ = watch.communicate(timeout=60)
        delete_run(deployments, lines)
    assert watch.returncode == 130, rest
    assert "The run goes on" in rest
    assert "prefect flow-run cancel" in rest


def test_approved_by_name_into_the_ledger(
    deployments: Deployments, owner: psycopg.Connection
) -> None:
    with suspended(deployments) as (watch, run_id):
        # Soon: the recovery of every five minutes may be looking just now.
        wait_until(lambda: owner.execute(OUR_BACKENDS).fetchone() == (0,))
        database = urlsplit(deployments.world.owner_url).path[1:]
        given = {"decision": "approve", "approver": "Ann", "target": "another"}
        assert resume(deployments, run_id, {}) == "REJECT"
        assert resume(deployments, run_id, given) == "REJECT"
        good = given | {"target": database}
        assert resume(deployments, run_id, good) == "ACCEPT"
        shown, _ = watch.communicate(timeout=120)
    assert watch.returncode == 0, shown
    kinds = kinds_of_last(owner, 7)
    assert kinds == [
        *("started", "suspended", "started", "approved"),
        *("applied", "verified", "accepted"),
    ]
    assert "Approved by Ann on" in shown
    assert deployments.pgflight(*ROLL_BACK).returncode == 0


def test_declined_is_blocked_with_who_and_why(
    deployments: Deployments, owner: psycopg.Connection
) -> None:
    with suspended(deployments) as (watch, run_id):
        given = {"decision": "decline", "approver": "Bo", "reason": "not on a Friday"}
        given["target"] = urlsplit(deployments.world.owner_url).path[1:]
        assert resume(deployments, run_id, given) == "ACCEPT"
        shown, _ = watch.communicate(timeout=120)
    assert watch.returncode == 10, shown
    assert "Declined by Bo on" in shown
    assert "not on a Friday" in shown
    assert kinds_of_last(owner, 2) == ["declined", "ended"]


def test_cancelled_while_suspended_is_blocked(deployments: Deployments) -> None:
    """Prefect asks no process: nobody else can say that nothing was written."""
    with suspended(deployments) as (watch, run_id):
        cancelled = deployments.prefect("flow-run", "cancel", run_id)
        assert cancelled.returncode == 0, cancelled.stdout
        shown, _ = watch.communicate(timeout=120)
    assert watch.returncode == 10, shown
    assert "Cancelled while it waited for an approval; nothing was written" in shown


def test_no_answer_is_blocked(deployments: Deployments) -> None:
    until = ("--param", "approval=true", "--param", "approval_minutes=0.02")
    done = deployments.pgflight(*DEPLOY, *until)
    assert done.returncode == 10, done.stdout
    assert "Nobody approved it in time" in done.stdout


def test_subflow_of_another_flow_cannot_be_asked(deployments: Deployments) -> None:
    """As run_deployment starts it: Prefect suspends no subflows."""
    deployment = deployments.read("deploy-migration/production")["id"]
    parent = deployments.post("task_runs/", task_key="theirs", dynamic_key="0")["id"]
    deployments.post(
        f"deployments/{deployment}/create_flow_run",
        parameters={"migration": "008", "approval": True},
        parent_task_run_id=parent,
        idempotency_key="theirs",
        state={"type": "SCHEDULED"},
    )
    as_theirs = ("--param", "approval=true", "--idempotency-key", "theirs")
    watched = deployments.pgflight(*DEPLOY, *as_theirs)
    assert watched.returncode == 10, watched.stdout
    assert "Cannot suspend subflows" in watched.stdout


def test_killed_flow_is_crashed_and_recovered_by_itself(
    deployments: Deployments, owner: psycopg.Connection, tmp_path: Path
) -> None:
    to_staging = (*sleeping_deployment(tmp_path), "--target", "staging")
    with following(deployments, *to_staging) as watch:
        wait_for_sleeper(owner)
        kill_flows(deployments.workers)
        shown, _ = watch.communicate(timeout=120)
    assert watch.returncode == 50, shown
    assert "recover-migrations" in shown
    wait_for_recovery(owner)
    # Where it went, and with its files.
    wanted = ("staging", str(tmp_path / "migrations"))
    wait_until(lambda: wanted in begun_recoveries(deployments))


def begun_recoveries(deployments: Deployments) -> list[tuple[Any, Any]]:
    """Target and folder of each."""
    runs = deployments.post(
        "flow_runs/filter",
        flows={"name": {"any_": ["recover-migrations"]}},
        flow_runs={"state": {"type": {"not_any_": ["SCHEDULED"]}}},
    )
    given = [run["parameters"] for run in runs]
    return [(one.get("target"), one.get("folder")) for one in given]


def lost_worker_is_crashed_by_its_heartbeat_and_recovered(
    deployments: Deployments, owner: psycopg.Connection, tmp_path: Path, told: list[str]
) -> None:
    """The last test: a worker is gone after it."""
    # One heartbeat lost is enough where nobody is late.
    with (
        patience(deployments, 40),
        following(deployments, *sleeping_deployment(tmp_path)) as watch,
    ):
        wait_for_sleeper(owner)
        kill_with_worker(deployments.workers)
        shown, _ = watch.communicate(timeout=240)
    assert watch.returncode == 50, shown
    assert "heartbeat was lost" in shown
    wait_for_recovery(owner)


if IS_CAMPAIGN:
    # The shortest heartbeat that Prefect takes is lost after two minutes.
    test_lost_worker = lost_worker_is_crashed_by_its_heartbeat_and_recovered


def copy_of_migrations(tmp_path: Path) -> Path:
    return Path(copytree(SQL / "migrations", tmp_path / "migrations"))


def sleeping_deployment(tmp_path: Path) -> tuple[str, ...]:
    folder = copy_of_migrations(tmp_path)
    up = folder / "008_active_org" / "up.sql"
    up.write_text(f"{up.read_text()}\nSELECT pg_sleep(600);\n")
    given = (f"folder={folder}", "budget_ms=100000", "strategy=transactional")
    return (*DEPLOY, *(part for text in given for part in ("--param", text)))


def wait_for_sleeper(owner: psycopg.Connection) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'"
    wait_until(lambda: owner.execute(query).fetchone() != (0,))


def wait_for_recovery(owner: psycopg.Connection) -> None:
    """Nobody starts it: the automation does."""
    wait_until(lambda: kinds_of_last(owner, 1) == ["settled"])


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + RUN_TIMEOUT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def kill_flows(workers: list[int]) -> None:
    for worker in workers:
        for child in psutil.Process(worker).children(recursive=True):
            child.kill()


def kill_with_worker(workers: list[int]) -> None:
    for worker in map(psutil.Process, workers):
        children = worker.children(recursive=True)
        if children:
            worker.kill()
            for child in children:
                child.kill()


def kinds_of_last(owner: psycopg.Connection, count: int) -> list[str]:
    """The last events but for the ends of those that went well, oldest first."""
    found = owner.execute(
        "SELECT kind FROM pgflight.event WHERE outcome IS DISTINCT FROM 'DEPLOYED'"
        " ORDER BY id DESC LIMIT %s",
        [count],
    ).fetchall()
    return [kind for (kind,) in reversed(found)]


def resume(deployments: Deployments, run_id: str, given: dict[str, str]) -> str:
    """What the server says to an answer."""
    answer = deployments.post(f"flow_runs/{run_id}/resume", run_input=given)
    return str(answer["status"])


@contextmanager
def suspended(
    deployments: Deployments,
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A run that waits for an approval, and who follows it."""
    with following(deployments, *DEPLOY, "--param", "approval=true") as watch:
        lines = read_until(watch, "waits for a person")
        yield watch, run_id_in(lines)


@contextmanager
def following(
    deployments: Deployments, *arguments: str, **variables: str
) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [*PGFLIGHT, *arguments, "--timeout", str(RUN_TIMEOUT_S)],
        cwd=CHECKOUT,
        env=deployments.environment | {"PYTHONUNBUFFERED": "1"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: "subprocess.Popen[str]", gist: str) -> str:
    assert process.stdout
    seen = ""
    for line in process.stdout:
        seen += line
        if gist in line:
            return seen
    raise AssertionError(seen)


def run_id_in(shown: str) -> str:
    found = re.search(r"flow-run/([0-9a-f-]{36})", shown)
    assert found, shown
    return found.group(1)


def delete_run(deployments: Deployments, shown: str) -> None:
    deployments.ask("DELETE", f"flow_runs/{run_id_in(shown)}").raise_for_status()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("deploy-migration/production", ("--start-in", "6 hours")),
        (
            "rollback-migration/production",
            ("--param", "confirm=008", "--start-in", "10 minutes"),
        ),
    ],
)
def test_run_can_be_put_off(
    deployments: Deployments, name: str, options: tuple[str, ...]
) -> None:
    answer = deployments.prefect(
        "deployment", "run", name, "--param", "migration=008", *options
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    # Or it would take its turn beside the tests that come after it.
    delete_run(deployments, answer.stdout)


@pytest.mark.parametrize(
    "name", ["verify-migration/nightly", "recover-migrations/production"]
)
def test_scheduled(deployments: Deployments, name: str) -> None:
    found = deployments.read(name)
    assert [schedule["active"] for schedule in found["schedules"]] == [True]
    wanted = {"id": {"any_": [found["id"]]}}

    def is_to_come() -> bool:
        runs = deployments.post("flow_runs/filter", deployments=wanted)
        return any(run["auto_scheduled"] for run in runs)

    wait_until(is_to_come)


def begin_late(deployments: Deployments, name: str, minutes: int, **given: str) -> str:
    """A run that was to begin some minutes ago, as a worker that comes back has it."""
    planned = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": planned}}
    path = f"deployments/{deployments.read(name)['id']}/create_flow_run"
    return str(deployments.post(path, parameters=given, state=state)["id"])


def test_run_that_is_hours_late_is_refused_until_somebody_wants_it(
    deployments: Deployments,
) -> None:
    run = begin_late(deployments, "deploy-migration/production", 90, migration="007")
    late = deployments.wait_for(run)["state"]
    assert late["name"] == "Blocked"
    assert "Too late: it was to begin at" in late["message"]
    retry = {"type": "SCHEDULED", "name": "AwaitingRetry"}
    deployments.post(f"flow_runs/{run}/set_state", state=retry)
    assert "hold" in deployments.wait_for(run)["state"]["message"]


def test_of_late_recoveries_the_youngest_looks(deployments: Deployments) -> None:
    name = "recover-migrations/production"
    with paused_pool(deployments):
        # The schedule's own runs have no target, and so are no others of these.
        runs = [
            begin_late(deployments, name, minutes, target="staging")
            for minutes in (4, 3, 2)
        ]
    names = [deployments.wait_for(run)["state"]["name"] for run in runs]
    assert names == ["NothingToDo"] * 3
    shown = [deployments.log_of(run) for run in runs]
    assert ["a younger run looks" in log for log in shown] == [True, True, False]


def test_every_flow_has_a_deployment(deployments: Deployments) -> None:
    assert set(ALL_DEPLOYMENTS) == set(FLOWS)


def test_automations_are_made_once(deployments: Deployments, told: list[str]) -> None:
    found: list[dict[str, Any]] = deployments.post("automations/filter", limit=50)
    names = sorted(one["name"] for one in found)
    assert names == [
        "pgflight: a run whose heartbeat is lost has crashed",
        "pgflight: recover what a crashed or cancelled run has left",
        "pgflight: tell of a deployment",
        "pgflight: tell of a drift",
        "pgflight: tell of a rollback or a restore",
        "pgflight: tell of what cannot be recovered",
    ]


@pytest.mark.parametrize("name", ALL_DEPLOYMENTS.values())
def test_deployed_as_it_must_be(deployments: Deployments, name: str) -> None:
    """No reader of its output is needed, and no slot that it could lose."""
    found = deployments.read(name)
    assert found["job_variables"] == {"stream_output": False}
    assert found["global_concurrency_limit"] is None
    assert found["description"]
    assert found["tags"]
