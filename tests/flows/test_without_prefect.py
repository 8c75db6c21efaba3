"""The flows as plain functions, for when Prefect cannot be reached."""

from pathlib import Path

import psycopg
import pytest

from flows.demo.service import run_application
from flows.demo.world import World
from flows.migration.outcome import Outcome
from flows.tasks.engine import without_prefect
from tests.fix_migrations import state_in_ledger


@pytest.fixture(autouse=True)
def away(target: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks Prefect all the same gets no answer."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")


def deploy(folder: Path):
    from flows.deploy import deploy_migration
    from flows.tasks.landing import report_of

    with without_prefect():
        return report_of(deploy_migration.fn("008", folder=str(folder)))


def test_deploys(folder: Path, owner: psycopg.Connection):
    report = deploy(folder)
    assert report.outcome is Outcome.DEPLOYED
    assert len(report.checks) > 5
    assert state_in_ledger(owner) == "accepted"


def test_rolls_back(
    folder: Path,
    owner: psycopg.Connection,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
):
    with run_application(world, "endpoint") as broken:
        monkeypatch.setenv("PGFLIGHT_ENDPOINT", broken)
        report = deploy(folder)
    assert report.outcome is Outcome.ROLLED_BACK
    assert report.rollback and report.rollback.outcome is Outcome.ROLLED_BACK
    assert state_in_ledger(owner) == "rolled_back"
