"""The flow verify-migration."""

import psycopg

from flows.migration.outcome import Outcome
from tests.fix_migrations import state_in_ledger
from tests.fix_prefect import Fly


def test_verify_passes_what_was_deployed(deploy: Fly, verify: Fly) -> None:
    deploy()
    report = verify()
    assert (report.outcome, report.exit_code) == (Outcome.NOTHING_TO_DO, 0)
    assert report.checks


def test_verify_changes_nothing(
    deploy: Fly, verify: Fly, owner: psycopg.Connection
) -> None:
    """Not even where a deployment was cut off before it could verify."""
    deploy()
    owner.execute("UPDATE pgflight.run SET state = 'applied'")
    events = owner.execute("SELECT count(*) FROM pgflight.event").fetchone()
    assert verify().outcome is Outcome.NOTHING_TO_DO
    assert state_in_ledger(owner) == "applied"
    assert owner.execute("SELECT count(*) FROM pgflight.event").fetchone() == events


def test_verify_reports_drift(
    deploy: Fly, verify: Fly, owner: psycopg.Connection
) -> None:
    deploy()
    owner.execute("DROP INDEX platform.idx_users_active_org")
    report = verify()
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert "idx_users_active_org" in report.errors[0]


def test_verify_of_what_is_not_there_is_blocked(verify: Fly) -> None:
    assert verify().outcome is Outcome.BLOCKED


def test_drift_of_one_of_all_is_told_by_its_version(
    deploy: Fly, verify: Fly, owner: psycopg.Connection
) -> None:
    deploy()
    owner.execute("DROP INDEX platform.idx_users_active_org")
    report = verify(None)
    assert report.outcome is Outcome.NEEDS_DECISION
    assert report.errors[0].startswith("008: ")
    assert "idx_users_active_org" in report.errors[0]
    assert report.target == report.verified[0].target != ""
