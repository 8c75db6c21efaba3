"""The demo's application: its answers before, across and after migration 008."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from string import Template

import httpx
import psycopg
import pytest

from flows.demo.application import Settings
from flows.demo.service import run_application
from flows.demo.world import World
from flows.migration.errors import BadInput, ConnectionFailed
from flows.migration.manifest import Manifest
from flows.resources import SQL
from tests.fix_server import clone_world

FOLDER = SQL / "migrations" / "008_active_org"
NOWHERE = "00000000-0000-4000-8000-000000000000"
# More than psycopg's prepare_threshold on each connection of the pool.
WARM_CALLS = 60


@dataclass
class Caller:
    """The smoke user, at the application."""

    world: World
    client: httpx.Client

    def me(self) -> httpx.Response:
        return self.client.get("/api/auth/me", headers=self.login)

    def choose(self, org_id: object) -> httpx.Response:
        return self.client.post(
            "/api/auth/set-active-org", headers=self.login, json={"org_id": str(org_id)}
        )

    def run(self, file: str) -> None:
        with psycopg.connect(self.world.owner_url) as owner:
            owner.execute((FOLDER / file).read_bytes())

    @property
    def login(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.world.token}"}


@pytest.fixture
def caller(world: World, application: str) -> Iterator[Caller]:
    with httpx.Client(base_url=application) as client:
        yield Caller(world, client)


@pytest.fixture(scope="module", params=["before", "after"])
def steady(request, server, template) -> Iterator[Caller]:
    """The application before and after the migration, for calls that change nothing."""
    with (
        clone_world(server, template) as world,
        run_application(world) as url,
        httpx.Client(base_url=url) as client,
    ):
        caller = Caller(world, client)
        if request.param == "after":
            caller.run("up.sql")
        yield caller


def test_health_answers(steady: Caller):
    answer = steady.client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_me_names_the_user(steady: Caller):
    answer = steady.me()
    assert answer.status_code == 200
    assert answer.json()["id"] == str(steady.world.smoke.user_id)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y", "Basic eDp5"])
def test_call_without_token_is_401(steady: Caller, header):
    headers = {"Authorization": header}
    answer = steady.client.post("/api/auth/set-active-org", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "{}", '{"org_id": 5}', '{"org_id": null}', '{"org_id": "x"}'],
)
def test_malformed_body_is_422(steady: Caller, body):
    answer = steady.client.post(
        "/api/auth/set-active-org", headers=steady.login, content=body
    )
    assert answer.status_code == 422
    assert "org_id" in answer.json()["error"]


def test_unknown_path_is_json(steady: Caller):
    assert steady.client.get("/nothing").json() == {"error": "Not Found"}


def test_choice_before_the_migration_is_503(caller: Caller):
    answer = caller.choose(caller.world.smoke.org_id)
    assert answer.status_code == 503
    assert answer.json() == {"error": "Choosing an organization is not available yet."}


def test_member_may_choose(caller: Caller):
    caller.run("up.sql")
    org_id = str(caller.world.smoke.org_id)
    answer = caller.choose(org_id)
    assert (answer.status_code, answer.json()) == (200, {"active_org_id": org_id})
    assert caller.me().json()["active_org_id"] == org_id


def test_non_member_is_403(caller: Caller):
    caller.run("up.sql")
    assert caller.choose(caller.world.smoke.other_org_id).status_code == 403


def test_unknown_organization_is_404(caller: Caller):
    caller.run("up.sql")
    assert caller.choose(NOWHERE).status_code == 404


def test_user_who_is_gone_is_401(caller: Caller, owner):
    caller.run("up.sql")
    owner.execute(
        "DELETE FROM platform.users WHERE id = %s", [caller.world.smoke.user_id]
    )
    assert caller.choose(NOWHERE).status_code == 401
    assert caller.me().status_code == 401


def test_warm_connections_survive_the_migration_and_its_way_back(caller: Caller):
    """Prepared statements see a column and a function come, and go again."""
    org_id = caller.world.smoke.org_id
    seen = [{_answers(caller, org_id) for _ in range(WARM_CALLS)}]
    for file in ("up.sql", "down.sql", "up.sql"):
        caller.run(file)
        seen.append({_answers(caller, org_id) for _ in range(WARM_CALLS)})
    without, with_org = {(200, False, 503)}, {(200, True, 200)}
    assert seen == [without, with_org, without, with_org]


def _answers(caller: Caller, org_id: object) -> tuple[int, bool, int]:
    me = caller.me()
    return (
        me.status_code,
        "active_org_id" in me.json(),
        caller.choose(org_id).status_code,
    )


def test_broken_release_is_500_once_the_migration_is_there(world: World):
    with (
        run_application(world, "endpoint") as url,
        httpx.Client(base_url=url) as client,
    ):
        caller = Caller(world, client)
        assert caller.choose(world.smoke.org_id).status_code == 503
        caller.run("up.sql")
        assert caller.choose(world.smoke.org_id).status_code == 500
        assert caller.me().status_code == 200


def test_lost_sessions_are_503_and_then_replaced(caller: Caller, admin):
    caller.me()
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'platform_app'"
    )
    statuses = [caller.me().status_code for _ in range(20)]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 200


def test_stopped_application_refuses_connections(world: World):
    with run_application(world) as url:
        assert httpx.get(f"{url}/health").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")


def test_application_that_ends_at_once_shows_its_log(world: World, monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", "no number")
    with (
        pytest.raises(ConnectionFailed, match="PYTHONHASHSEED"),
        run_application(world),
    ):
        pass


@pytest.mark.parametrize(
    "missing", ["PGFLIGHT_DEMO_DATABASE_URL", "PGFLIGHT_DEMO_SECRET"]
)
def test_missing_setting_is_named(missing):
    environment = {"PGFLIGHT_DEMO_DATABASE_URL": "x", "PGFLIGHT_DEMO_SECRET": "x"}
    del environment[missing]
    with pytest.raises(BadInput, match=missing):
        Settings.from_environment(environment)


def test_manifest_probes_expect_what_the_application_answers(caller: Caller):
    """Each probe of migration.toml, once, against the migrated application."""
    caller.run("up.sql")
    text = (FOLDER / "migration.toml").read_text()
    values = caller.world.environment(str(caller.client.base_url))
    smoke = Manifest.model_validate(
        tomllib.loads(Template(text).substitute(values))
    ).smoke
    assert smoke is not None
    for probe in smoke.probes:
        answer = caller.client.request(
            probe.method, probe.path, headers=probe.headers, json=probe.json_
        )
        assert (probe.name, answer.status_code) == (probe.name, probe.expect.status)
        assert (probe.expect.json_ or {}).items() <= answer.json().items()
