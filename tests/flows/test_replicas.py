"""A whole deployment to a target with replicas and an application role."""

import psycopg
import pytest

from flows.demo.world import APPLICATION
from flows.migration.advice import left_to_do
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.migration.report_page import report_page
from tests.fix_flight import Edit
from tests.fix_migrations import state_in_ledger
from tests.fix_prefect import Fly


@pytest.fixture(autouse=True)
def followed(target: None, standby: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target has this test's standby as its replica, and names a role."""
    monkeypatch.setenv("PGFLIGHT_REPLICAS", standby)
    monkeypatch.setenv("PGFLIGHT_APPLICATION_ROLE", APPLICATION)


def checked(report: Report, kind: str) -> list[str]:
    return [check.subject for check in report.checks if check.kind == kind]


def test_both_are_told_before_and_checked_between_commit_and_smoke_test(
    deploy: Fly, standby: str, caplog: pytest.LogCaptureFixture
) -> None:
    report = deploy()
    assert report.outcome is Outcome.DEPLOYED
    place = standby.rpartition("@")[2]
    for line in (
        f"✅ Replica {place} follows the target",
        f"for at most 30 s: that the replicas have it ({place})",
        "that platform_app may use what the migration makes.",
        "✅ Replicas have it: shows the migration",
        "✅ Usable by the application: ",
    ):
        assert line in caplog.text
    assert checked(report, "replica") == [place]
    assert "platform.users" in checked(report, "privilege")
    phases = [phase.name for phase in report.phases]
    assert phases.index("apply") < phases.index("verify") < phases.index("smoke test")
    assert left_to_do(report) == []


def test_slow_replica_is_a_warning_and_nothing_is_rolled_back(
    deploy: Fly, standby_admin: psycopg.Connection, owner: psycopg.Connection
) -> None:
    standby_admin.execute("SELECT pg_wal_replay_pause()")
    report = deploy()
    assert (report.outcome, report.rollback) == (Outcome.DEPLOYED, None)
    assert state_in_ledger(owner) == "accepted"
    (advice,) = left_to_do(report)
    assert "has its replay paused" in advice.what
    assert "1 of these with a warning" in report_page(report)
    assert "warning | replica" in report_page(report)


def test_lacking_right_is_rolled_back_for_free(
    deploy: Fly, append: Edit, owner: psycopg.Connection
) -> None:
    append("up.sql", "CREATE FUNCTION platform.g() RETURNS int LANGUAGE sql RETURN 1;")
    append("up.sql", "REVOKE ALL ON FUNCTION platform.g FROM PUBLIC;")
    report = deploy()
    assert report.outcome is Outcome.ROLLED_BACK
    assert "GRANT EXECUTE ON FUNCTION platform.g() TO platform_app" in report.errors[0]
    assert report.rollback is None
    assert state_in_ledger(owner) is None


def test_nightly_verification_finds_a_right_that_was_taken_away(
    deploy: Fly, verify: Fly, owner: psycopg.Connection
) -> None:
    deploy()
    function = "FUNCTION platform.get_user_active_org(uuid)"
    owner.execute(
        "REVOKE ALL ON FUNCTION platform.get_user_active_org FROM platform_app"
    )
    report = verify()
    assert report.outcome is Outcome.NEEDS_DECISION
    assert f"GRANT EXECUTE ON {function} TO platform_app" in report.errors[0]
    assert len(checked(report, "replica")) == 1
