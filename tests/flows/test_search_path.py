"""Whoever can put operators into the search_path runs nothing as the deploying role."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from flows.demo.world import APPLICATION
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from tests.faults import alone

TRAPS = Path(__file__).with_name("traps.sql")


@pytest.fixture
def trapped(
    target: None,
    admin: psycopg.Connection,
    standby: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """The target's database, with a trap for every operator that is looked for.

    It has a replica and an application role, so that all is asked that ever is.
    """
    monkeypatch.setenv("PGFLIGHT_REPLICAS", standby)
    monkeypatch.setenv("PGFLIGHT_APPLICATION_ROLE", APPLICATION)
    admin.execute(TRAPS.read_bytes())
    with pytest.raises(psycopg.errors.RaiseException, match="oid and regclass"):
        admin.execute("SELECT 1::oid = 'pg_class'::regclass")
    yield


def outcome(report: Report) -> tuple[Outcome | None, list[str]]:
    return report.outcome, report.errors


@pytest.mark.parametrize("strategy", ["transactional", "online"])
def test_there_and_back_and_there(
    trapped: None, folder: Path, owner: psycopg.Connection, strategy: str
) -> None:
    deployed = alone.deploy(folder, strategy=strategy)
    assert outcome(deployed) == (Outcome.DEPLOYED, [])
    # What a replica does not answer is a warning.
    assert [one.detail for one in deployed.checks if one.is_warning] == []
    assert outcome(alone.verify(folder)) == (Outcome.NOTHING_TO_DO, [])
    owner.execute(
        "UPDATE platform.users SET active_org_id = ("
        "  SELECT org_id FROM platform.org_members WHERE user_id = users.id"
        "  ORDER BY joined_at DESC LIMIT 1)"
    )
    assert outcome(alone.roll_back(folder)) == (Outcome.ROLLED_BACK, [])
    again = alone.deploy(folder, strategy=strategy)
    assert outcome(again) == (Outcome.DEPLOYED, [])
    assert again.restored
    assert outcome(alone.recover(folder)) == (Outcome.NOTHING_TO_DO, [])
