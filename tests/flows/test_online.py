"""The flow deploy-migration, online: the same promises, and nobody waits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from flows.database.online.apply import apply_online
from flows.database.online.backfill import Backfill
from flows.demo.service import run_application
from flows.demo.world import World
from flows.migration.errors import ConnectionFailed, LocksNotObtained
from flows.migration.outcome import Outcome
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump
from tests.fix_prefect import Fly

RUN = "SELECT state, strategy FROM pgflight.run"


@pytest.fixture
def break_off(
    make_flight: MakeFlight, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Deploys online, and loses its fence for good after the first step."""
    monkeypatch.setattr("flows.database.online.apply.RESUMES", 0)

    def cut(line: str) -> None:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'pgflight fence %'"
            " AND datname = current_database()"
        )

    def fly() -> None:
        with pytest.raises(ConnectionFailed):
            apply_online(make_flight(strategy="online"), cut)

    return fly


def artifacts(key: str) -> list[Any]:
    """What runs have published under a key, the newest first."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
    from prefect.client.schemas.sorting import ArtifactSort

    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    with get_client(sync_client=True) as client:
        return client.read_artifacts(
            artifact_filter=wanted, sort=ArtifactSort.UPDATED_DESC
        )


def test_online_ends_accepted(deploy: Fly, owner: psycopg.Connection) -> None:
    report = deploy(strategy="online")
    assert (report.outcome, report.exit_code) == (Outcome.DEPLOYED, 0)
    assert report.applied and report.applied.strategy == "online"
    assert owner.execute(RUN).fetchall() == [("accepted", "online")]


def test_what_users_felt_is_in_the_ledger(
    deploy: Fly, owner: psycopg.Connection
) -> None:
    deploy(strategy="online")
    row = owner.execute("SELECT felt FROM pgflight.run").fetchone()
    assert row is not None
    tables = {lock["table"] for lock in row[0]["locks"]}
    assert {"platform.users", "platform.organizations"} <= tables
    assert row[0]["waits"]["samples"] > 0


def test_plan_is_published(deploy: Fly) -> None:
    deploy(strategy="online")
    page = artifacts("plan-008")[0]
    assert page.data.startswith("# 008 An active organization for every user")
    assert "CREATE INDEX CONCURRENTLY" in page.data


def test_progress_is_published(deploy: Fly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.database.online.meter.SAY_EVERY_S", 0.0)
    deploy(strategy="online")
    bar = artifacts("progress")[0]
    assert (bar.type, float(bar.data)) == ("progress", 100.0)


def test_online_again_is_nothing_to_do(deploy: Fly) -> None:
    deploy(strategy="online")
    assert deploy(strategy="online").outcome is Outcome.NOTHING_TO_DO


def test_failing_step_is_rolled_back(
    deploy: Fly,
    folder: Path,
    owner: psycopg.Connection,
    dump_schema: Dump,
    ledger: None,
) -> None:
    up = folder / "008_active_org" / "up.sql"
    never = "ALTER TABLE platform.users ADD CONSTRAINT never CHECK (false);"
    up.write_text(f"{up.read_text()}\n{never}\n")
    before = dump_schema()
    report = deploy(strategy="online")
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 20)
    assert "never" in report.errors[0]
    assert dump_schema() == before
    assert owner.execute(RUN).fetchall() == [("rolled_back", "online")]


def test_step_that_cannot_be_taken_back_is_said(
    deploy: Fly, folder: Path, owner: psycopg.Connection
) -> None:
    up = folder / "008_active_org" / "up.sql"
    up.write_text(
        "ALTER TABLE platform.users ALTER COLUMN email SET DEFAULT '';\n"
        "ALTER TABLE platform.users ADD CONSTRAINT never CHECK (false);\n"
    )
    report = deploy(strategy="online")
    assert (report.outcome, report.exit_code) == (Outcome.ROLLBACK_FAILED, 30)
    assert owner.execute(RUN).fetchall() == [("applying", "online")]


def test_rows_that_stay_locked_are_no_refusal(
    deploy: Fly, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something was written by then, and taken back."""

    def give_up(*args: object) -> None:
        raise LocksNotObtained("rows stayed locked")

    monkeypatch.setattr(Backfill, "settle", give_up)
    report = deploy(strategy="online")
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 20)
    assert owner.execute(RUN).fetchall() == [("rolled_back", "online")]


def test_failing_smoke_test_is_rolled_back(
    deploy: Fly,
    world: World,
    owner: psycopg.Connection,
    dump_schema: Dump,
    ledger: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = dump_schema()
    with run_application(world, "endpoint") as broken:
        monkeypatch.setenv("PGFLIGHT_ENDPOINT", broken)
        report = deploy(strategy="online")
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 20)
    assert dump_schema() == before
    assert owner.execute(RUN).fetchall() == [("rolled_back", "online")]


def test_unfinished_run_goes_on(
    deploy: Fly,
    break_off: Callable[[], None],
    owner: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    break_off()
    assert owner.execute(RUN).fetchall() == [("applying", "online")]
    report = deploy()
    assert report.outcome is Outcome.DEPLOYED
    assert "is unfinished: it goes on" in caplog.text
    assert owner.execute(RUN).fetchall() == [("accepted", "online")]


def test_unfinished_run_can_be_rolled_back(
    roll_back: Fly,
    break_off: Callable[[], None],
    dump_schema: Dump,
    ledger: None,
) -> None:
    before = dump_schema()
    break_off()
    assert roll_back().outcome is Outcome.ROLLED_BACK
    assert dump_schema() == before


def test_what_cannot_go_online_is_blocked(
    deploy: Fly, folder: Path, owner: psycopg.Connection
) -> None:
    up = folder / "008_active_org" / "up.sql"
    up.write_text("DELETE FROM platform.org_members WHERE role = 'admin'")
    report = deploy(strategy="online")
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert "up.sql:1:1: DELETE FROM platform.org_members" in report.errors[0]
    found = owner.execute("SELECT to_regnamespace('pgflight')").fetchone()
    assert found == (None,)
