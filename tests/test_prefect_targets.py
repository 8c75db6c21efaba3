"""The forms of runs on a real server, and blocks as their targets."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any

import httpx
import psycopg
import pytest
import yaml  # type: ignore[import-untyped]
from psycopg.conninfo import conninfo_to_dict

from flows.demo.server import PostgresServer
from flows.demo.service import run_application
from flows.demo.world import APPLICATION, World
from flows.remote.automations import FLOWS
from flows.resources import SQL
from tests.fix_deployments import CHECKOUT, RUN_TIMEOUT_S, Deployments
from tests.fix_server import clone_world

SECRET = "s3cret-never-shown"
LOGIN = f"postgresql://owner:{SECRET}@db.example.com/app"


def by_id(block: str) -> dict[str, Any]:
    """A target as the form's list sends it."""
    return {"$ref": {"block_document_id": block}}


DEPLOYMENTS = {
    "deploy": "deploy-migration/production",
    "rollback": "rollback-migration/production",
    "restore": "restore-migration/production",
    "verify": "verify-migration/nightly",
    "recover": "recover-migrations/production",
}


@pytest.fixture(scope="module")
def elsewhere(server: PostgresServer, template: str) -> Iterator[World]:
    """A world that only blocks know; the worker's own is another one."""
    with clone_world(server, template) as world:
        yield world


@pytest.fixture(scope="module")
def endpoint(elsewhere: World) -> Iterator[str]:
    with run_application(elsewhere) as url:
        yield url


@pytest.fixture(scope="module")
def staging(deployments: Deployments, elsewhere: World, endpoint: str) -> str:
    """The id of the block, made by pgflight register."""
    variables = elsewhere.environment(endpoint)
    variables["PGFLIGHT_SMOKE_NOTE"] = SECRET
    variables["PGFLIGHT_APPLICATION_ROLE"] = APPLICATION
    variables["PGFLIGHT_REPLICAS"] = f"postgresql://reader:{SECRET}@127.0.0.1:9/app"
    done = deployments.pgflight("register", "staging", "--replace", **variables)
    assert done.returncode == 0, done.stderr
    path = "block_types/slug/postgres-target/block_documents/name/staging"
    return str(deployments.ask("GET", path).raise_for_status().json()["id"])


def create(deployments: Deployments, form: str, **parameters: Any) -> httpx.Response:
    """Create a run as the UI does; it is put off, so that no worker takes it."""
    deployment = deployments.read(DEPLOYMENTS[form])["id"]
    details = {"scheduled_time": "2100-01-01T00:00:00Z"}
    later = {"type": "SCHEDULED", "state_details": details}
    body = {"parameters": parameters, "state": later}
    return deployments.ask("POST", f"deployments/{deployment}/create_flow_run", body)


def fly(deployments: Deployments, form: str, **parameters: Any) -> tuple[str, str]:
    """Have the worker run it to its end; its state's name, and all that is stored."""
    deployment = deployments.read(DEPLOYMENTS[form])["id"]
    path, body = f"deployments/{deployment}/create_flow_run", {"parameters": parameters}
    made = deployments.ask("POST", path, body).raise_for_status().json()
    run = deployments.wait_for(made["id"])
    return run["state"]["name"], json.dumps(run) + deployments.log_of(made["id"])


def save_block(deployments: Deployments, name: str, **values: Any) -> str:
    """A block as the UI's form saves it, unchecked."""
    kind = deployments.ask("GET", "block_types/slug/postgres-target").json()["id"]
    filter = {"block_schemas": {"block_type_id": {"any_": [kind]}}}
    (schema,) = deployments.ask("POST", "block_schemas/filter", filter).json()
    body = {"name": name, "data": values, "block_schema_id": schema["id"]}
    made = deployments.ask("POST", "block_documents/", body | {"block_type_id": kind})
    return str(made.raise_for_status().json()["id"])


def properties(deployments: Deployments, form: str) -> dict[str, Any]:
    schema = deployments.read(DEPLOYMENTS[form])["parameter_openapi_schema"]
    found: dict[str, Any] = schema["properties"]
    return found


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        (
            "deploy",
            "migration target strategy budget_ms workers approval approval_minutes"
            " latest_start_minutes folder",
        ),
        (
            "rollback",
            "migration confirm target reason budget_ms latest_start_minutes folder",
        ),
        ("restore", "migration target budget_ms folder"),
        ("verify", "migration target folder"),
        ("recover", "target folder"),
    ],
)
def test_fields_are_in_order_and_described(
    deployments: Deployments, form: str, fields: str
) -> None:
    found = properties(deployments, form)
    in_order = sorted(found, key=lambda name: found[name]["position"])
    assert in_order == fields.split()
    assert all(field["description"] for field in found.values())


@pytest.mark.parametrize("form", DEPLOYMENTS)
def test_target_is_a_list_of_blocks(deployments: Deployments, form: str) -> None:
    target = properties(deployments, form)["target"]
    assert target["block_type_slug"] == "postgres-target"
    assert target["default"] is None


def test_every_flow_has_a_form() -> None:
    assert {name.partition("/")[0] for name in DEPLOYMENTS.values()} == set(FLOWS)


def test_strategy_is_a_list(deployments: Deployments) -> None:
    strategy = properties(deployments, "deploy")["strategy"]
    assert strategy["enum"] == ["auto", "transactional", "online"]
    assert strategy["default"] == "auto"


@pytest.mark.parametrize(
    ("form", "parameters"),
    [
        ("deploy", {}),
        ("deploy", {"migration": ""}),
        ("deploy", {"migration": LOGIN}),
        ("deploy", {"migration": "008", "strategy": "fast"}),
        ("deploy", {"migration": "008", "budget_ms": 50}),
        ("deploy", {"migration": "008", "budget_ms": 700_000}),
        ("deploy", {"migration": "008", "workers": 17}),
        ("deploy", {"migration": "008", "folder": LOGIN}),
        ("deploy", {"migration": "008", "folder": f"x password={SECRET}"}),
        ("deploy", {"migration": "008", "target": LOGIN}),
        ("deploy", {"migration": "008", "target": {"database_url": LOGIN}}),
        ("deploy", {"migration": "008", "target": {"$ref": {"url": LOGIN}}}),
        ("rollback", {"migration": "008"}),
        ("rollback", {"migration": "008", "confirm": "008", "reason": LOGIN}),
        ("rollback", {"migration": "008", "confirm": LOGIN}),
        ("rollback", {"migration": "8", "confirm": "8", "latest_start_minutes": 0}),
        ("verify", {"migration": ""}),
    ],
)
def test_bad_form_is_refused_when_it_is_sent(
    deployments: Deployments, form: str, parameters: dict[str, Any]
) -> None:
    answer = create(deployments, form, **parameters)
    assert answer.status_code == 409
    assert "Validation failed" in answer.text


@pytest.mark.parametrize(
    ("form", "parameters"),
    [
        ("deploy", {"migration": "008"}),
        ("deploy", {"migration": "8", "target": None, "budget_ms": None}),
        ("deploy", {"migration": "8", "folder": ""}),
        ("deploy", {"migration": "008_active_org", "target": "staging"}),
        (
            "deploy",
            {"migration": "008", "target": {"$ref": {"block_document_id": "1"}}},
        ),
        (
            "rollback",
            {"migration": "008", "confirm": "008", "reason": "see https://x.example/5"},
        ),
    ],
)
def test_good_form_is_taken(
    deployments: Deployments, form: str, parameters: dict[str, Any]
) -> None:
    assert create(deployments, form, **parameters).status_code == 201


def test_registered_block_shows_no_secret(
    deployments: Deployments, staging: str, elsewhere: World
) -> None:
    shown = deployments.ask("GET", f"block_documents/{staging}").text
    assert "127.0.0.1" in shown
    for secret in (SECRET, elsewhere.token, password_of(elsewhere)):
        assert secret not in shown


def test_blocks_are_stored_encrypted_and_without_their_key(
    deployments: Deployments, staging: str
) -> None:
    """PREFECT_SERVER_ENCRYPTION_KEY: without it the key lies beside what it locks."""
    with psycopg.connect(deployments.database) as stored:
        named = "SELECT data FROM block_document WHERE name = 'staging'"
        block = stored.execute(named).fetchone()
        keys = stored.execute("SELECT key FROM configuration").fetchall()
    assert block and SECRET not in str(block)
    assert ("ENCRYPTION_KEY",) not in keys


def test_block_is_not_replaced_unasked(deployments: Deployments, staging: str) -> None:
    done = deployments.pgflight("register", "staging", DATABASE_URL=LOGIN)
    assert done.returncode == 10
    assert "there is a block postgres-target/staging already" in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_chosen_block_is_where_it_goes_and_no_secret_is_stored(
    deployments: Deployments, staging: str, elsewhere: World
) -> None:
    reference = by_id(staging)
    name, stored = fly(deployments, "deploy", migration="008", target=reference)
    assert name == "Deployed"
    assert json.dumps(reference) in stored
    assert "the block postgres-target/staging configured" in stored
    assert "Replica 127.0.0.1:9/app cannot be asked" in stored
    assert "Whether platform_app may use what the migration makes" in stored
    with psycopg.connect(elsewhere.owner_url) as connection:
        assert connection.execute("SELECT state FROM pgflight.run").fetchall() == [
            ("accepted",)
        ]
    for secret in (SECRET, elsewhere.token, password_of(elsewhere)):
        assert secret not in stored


@pytest.mark.parametrize("state", ["Crashed", "Cancelled"])
@pytest.mark.parametrize("form", ["deploy", "rollback"])
def test_recovery_goes_to_the_block_that_the_form_gave(
    deployments: Deployments, staging: str, tmp_path: Path, form: str, state: str
) -> None:
    """Nobody starts it: the automation hands the target on, as the form sent it."""
    folder = tmp_path / "migrations"
    folder.symlink_to(SQL / "migrations")
    given = {"target": by_id(staging), "folder": str(folder)}
    like = deployments.read(DEPLOYMENTS[form])
    run = deployments.post(
        "flow_runs/",
        flow_id=like["flow_id"],
        deployment_id=like["id"],
        parameters={"migration": "008", **given},
        state={"type": "RUNNING"},
    )
    ended = {"type": state.upper(), "name": state}
    deployments.post(f"flow_runs/{run['id']}/set_state", state=ended, force=True)
    recovery = deployments.wait_for(recovery_of(deployments, given))
    assert recovery["state"]["name"] == "NothingToDo"


def recovery_of(deployments: Deployments, given: dict[str, Any]) -> str:
    """The run that is to recover with these parameters, once it is there."""
    wanted = {"name": {"any_": ["recover-migrations"]}}
    deadline = time.monotonic() + RUN_TIMEOUT_S
    while time.monotonic() < deadline:
        for run in deployments.post("flow_runs/filter", flows=wanted):
            if run["parameters"] == given:
                return str(run["id"])
        time.sleep(0.2)
    raise TimeoutError(f"nothing recovers {given}")


def test_rollback_is_confirmed_or_nothing_is_done(
    deployments: Deployments, staging: str
) -> None:
    name, stored = fly(
        deployments, "rollback", migration="008", confirm="08", target="staging"
    )
    assert name == "Blocked"
    assert "Not confirmed: the migration is 008" in stored


def test_block_that_is_gone_is_told_with_those_there_are(
    deployments: Deployments, staging: str
) -> None:
    gone = save_block(deployments, "gone", database_url=LOGIN)
    deployments.ask("DELETE", f"block_documents/{gone}").raise_for_status()
    name, stored = fly(deployments, "verify", migration="008", target=by_id(gone))
    assert name == "Blocked"
    assert f"There is no target {gone}" in stored
    assert "blocks of this type: staging" in stored
    assert "pgflight register NAME" in stored


def test_wrong_values_of_a_block_are_named_and_not_quoted(
    deployments: Deployments, staging: str
) -> None:
    save_block(deployments, "wrong", database_url=f"{SECRET} is no URL")
    name, stored = fly(deployments, "verify", migration="008", target="wrong")
    assert name == "Blocked"
    assert "the block postgres-target/wrong is not a PostgreSQL connection" in stored
    assert SECRET not in stored


def test_block_without_a_url_is_told(deployments: Deployments, staging: str) -> None:
    save_block(deployments, "empty", database_url="", values={"X": SECRET})
    done = deployments.pgflight("status", "--target", "empty")
    assert done.returncode == 10
    assert "postgres-target/empty is not usable: it has no database URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_command_line_takes_a_block_by_name(
    deployments: Deployments, staging: str
) -> None:
    done = deployments.pgflight("plan", "008", "--json", PGFLIGHT_TARGET="staging")
    assert json.loads(done.stdout)["expected_ms"] > 0


def test_named_target_has_a_schedule_of_its_own(
    deployments: Deployments, staging: str, tmp_path: Path
) -> None:
    """As prefect.yaml says in a comment."""
    text = (CHECKOUT / "prefect.yaml").read_text()
    own = re.compile(r"^      # (?=(- slug|  [a-z]+: ))", re.MULTILINE)
    file = tmp_path / "prefect.yaml"
    file.write_text(own.sub("      ", text))
    name = ("--name", "nightly")
    done = deployments.prefect(
        "--no-prompt", "deploy", "--prefect-file", str(file), *name
    )
    assert done.returncode == 0, done.stdout
    schedules = deployments.read("verify-migration/nightly")["schedules"]
    targets = {one["slug"]: one["parameters"].get("target") for one in schedules}
    assert targets == {"nightly": None, "nightly-staging": "staging"}
    deployments.prefect("--no-prompt", "deploy", *name)


def test_worker_has_its_own_migrations_and_not_the_folder_deployed_from(
    deployments: Deployments, tmp_path: Path
) -> None:
    """As in a container, and on another machine."""
    file = yaml.safe_load((CHECKOUT / "prefect.yaml").read_text())
    (nightly,) = [one for one in file["deployments"] if one["name"] == "nightly"]
    own = {key: value for key, value in nightly.items() if key != "schedules"}
    home, migrations = tmp_path / "gone", tmp_path / "mine"
    home.mkdir()
    file["deployments"] = [own | {"name": "elsewhere"}]
    (home / "prefect.yaml").write_text(yaml.safe_dump(file))
    done = deployments.prefect("--no-prompt", "deploy", "--all", cwd=home)
    assert done.returncode == 0, done.stdout
    rmtree(home)
    deployment = deployments.read("verify-migration/elsewhere")
    assert str(home) in json.dumps(deployment["pull_steps"])
    made = deployments.post(
        f"deployments/{deployment['id']}/create_flow_run",
        parameters={"migration": "008"},
        # As if the worker had it.
        job_variables={"env": {"PGFLIGHT_MIGRATIONS": str(migrations)}},
    )
    state = deployments.wait_for(made["id"])["state"]
    assert state["name"] == "Blocked"
    assert f"{migrations}: cannot be read" in state["message"]


def test_run_takes_its_folder_from_the_environment(deployments: Deployments) -> None:
    recovery = ("--deployment", "recover-migrations/production", "--json")
    done = deployments.pgflight("run", *recovery, PGFLIGHT_MIGRATIONS="db")
    run = json.loads(done.stdout)["flow_run"]["id"]
    found = deployments.ask("GET", f"flow_runs/{run}").json()
    assert found["parameters"]["folder"] == "db"


def test_run_takes_its_target_from_the_environment(
    deployments: Deployments, staging: str
) -> None:
    recovery = ("--deployment", "recover-migrations/production", "--json")
    done = deployments.pgflight("run", *recovery, PGFLIGHT_TARGET="staging")
    run = deployments.ask(
        "GET", f"flow_runs/{json.loads(done.stdout)['flow_run']['id']}"
    )
    assert run.json()["parameters"]["target"] == "staging"


def test_unknown_target_is_told_with_those_there_are(
    deployments: Deployments, staging: str
) -> None:
    variables = {"DATABASE_URL_QA": LOGIN}
    done = deployments.pgflight("status", "--target", "prod", **variables)
    assert done.returncode == 10
    assert "There is no target prod" in done.stderr
    assert "staging" in done.stderr and "qa" in done.stderr
    assert SECRET not in done.stderr


def password_of(world: World) -> str:
    return str(conninfo_to_dict(world.owner_url)["password"])
