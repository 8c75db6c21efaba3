"""The flow restore-migration, and what deployments and rollbacks tell of restoring."""

from typing import Any

import psycopg

from flows.migration.outcome import Outcome
from flows.migration.report_json import report_as_json
from tests.database.test_restore import CHOOSE, CHOSEN, GONE
from tests.fix_migrations import Dump, state_in_ledger
from tests.fix_prefect import Fly
from tests.fix_sabotage import Sabotage

VIEW = "CREATE VIEW platform.v AS SELECT active_org_id FROM platform.users"


def test_deploying_again_puts_back_and_lists_conflicts(
    deploy: Fly, roll_back: Fly, owner: psycopg.Connection
) -> None:
    deploy()
    owner.execute(CHOOSE)
    chosen: dict[Any, Any] = dict(owner.execute(CHOSEN).fetchall())
    roll_back()
    gone = owner.execute(f"{GONE} RETURNING id".encode()).fetchone()
    report = deploy()
    assert report.outcome is Outcome.DEPLOYED, report.errors
    (restored,) = report_as_json(report)["restored"]
    assert restored["conflicts"] == [
        {"reason": "the row is gone", "rows": 1, "first_keys": [str(gone and gone[0])]}
    ]
    del chosen[gone and gone[0]]
    assert dict(owner.execute(CHOSEN).fetchall()) == chosen


def test_conflict_that_is_left_needs_a_decision(
    deploy: Fly, roll_back: Fly, restore: Fly, owner: psycopg.Connection
) -> None:
    deploy()
    roll_back()
    owner.execute(GONE.encode())
    deploy()
    report = restore()
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert report.restored[0].left[0].startswith("1 rows: the row is gone (the first: ")


def test_all_put_back_is_a_success(
    deploy: Fly, roll_back: Fly, restore: Fly, owner: psycopg.Connection
) -> None:
    deploy()
    roll_back()
    owner.execute("ALTER TABLE platform.users ADD COLUMN active_org_id uuid")
    report = restore()
    assert (report.outcome, report.exit_code) == (Outcome.RESTORED, 0)
    assert report.restored[0].rows == 450
    again = restore()
    assert (again.outcome, again.exit_code) == (Outcome.NOTHING_TO_DO, 0)


def test_restore_where_there_is_no_column_is_blocked(
    deploy: Fly, roll_back: Fly, restore: Fly
) -> None:
    deploy()
    roll_back()
    report = restore()
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert "pgflight deploy 008" in report.errors[0]


def test_restore_of_nothing_writes_nothing(
    restore: Fly, owner: psycopg.Connection
) -> None:
    assert restore().outcome is Outcome.NOTHING_TO_DO
    assert state_in_ledger(owner) is None


def test_rollback_with_something_in_its_way_needs_a_decision(
    deploy: Fly, roll_back: Fly, owner: psycopg.Connection, dump_schema: Dump
) -> None:
    deploy()
    owner.execute(VIEW)
    before = dump_schema()
    report = roll_back()
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert "view platform.v" in report.errors[0]
    assert dump_schema() == before
    assert state_in_ledger(owner) == "accepted"


def test_failed_deployment_with_something_in_the_way_of_its_rollback(
    deploy: Fly, sabotage: Sabotage, owner: psycopg.Connection
) -> None:
    """The report has the first error first, and what is in the way."""
    sabotage(f"{VIEW}; COMMENT ON COLUMN platform.users.active_org_id IS 'sabotage'")
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert "active_org_id" in report.errors[0] and "comment" in report.errors[0]
    assert report.rollback and report.rollback.outcome is Outcome.NEEDS_DECISION
    assert "still in place" in report.rollback.errors[0]
    assert "view platform.v" in report.rollback.errors[0]
    assert state_in_ledger(owner) == "applied"
