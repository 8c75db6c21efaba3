"""The gate between plan and apply, as it is passed at a terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from flows.database.claim import Claim
from flows.demo.world import World
from flows.migration.approval import Answer
from flows.migration.outcome import Outcome
from flows.migration.plan import Plan
from flows.migration.report import Report
from flows.migration.target import target_from_environment
from flows.tasks.engine import without_prefect
from tests.fix_flight import NO_ENDPOINT
from tests.fix_migrations import state_in_ledger

Ask = Callable[[Plan, str], Answer]


@pytest.fixture
def deploy_asking(target: None, folder: Path) -> Callable[[Ask | None], Report]:
    from flows.deploy import deploy_migration
    from flows.tasks.approval import asking
    from flows.tasks.landing import report_of

    def run(ask: Ask | None) -> Report:
        with without_prefect():
            if ask is None:
                state = deploy_migration.fn("008", folder=str(folder), approval=True)
                return report_of(state)
            with asking(ask):
                state = deploy_migration.fn("008", folder=str(folder), approval=True)
            return report_of(state)

    return run


def approve(plan: Plan, target: str) -> Answer:
    return Answer(decision="approve", approver="Ann", target=target)


def test_approved_is_deployed_and_told(deploy_asking, owner: psycopg.Connection):
    report = deploy_asking(approve)
    assert report.outcome is Outcome.DEPLOYED
    assert report.approval.startswith("Approved by Ann on")
    events = owner.execute(
        "SELECT detail FROM pgflight.event WHERE kind = 'approved'"
    ).fetchall()
    assert events == [(report.approval,)]


def test_declined_is_blocked_and_nothing_is_written(
    deploy_asking, owner: psycopg.Connection
):
    report = deploy_asking(
        lambda plan, target: Answer(decision="decline", approver="Bo", target=target)
    )
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert state_in_ledger(owner) is None


def test_nobody_waits_for_an_answer(deploy_asking):
    def ask(plan: Plan, target: str) -> Answer:
        other = Claim()
        other.take(target_from_environment(os.environ), "somebody 008")
        other.release()
        return approve(plan, target)

    assert deploy_asking(ask).outcome is Outcome.DEPLOYED


def test_what_has_changed_since_the_question_is_not_approved(
    deploy_asking, folder: Path, owner: psycopg.Connection
):
    def ask(plan: Plan, target: str) -> Answer:
        up = folder / "008_active_org" / "up.sql"
        up.write_text(f"{up.read_text()}\nSELECT 1;\n")
        return approve(plan, target)

    report = deploy_asking(ask)
    assert report.outcome is Outcome.BLOCKED
    assert "not so any more" in report.errors[0]
    assert state_in_ledger(owner) is None


def test_where_nobody_can_be_asked_nothing_is_done(
    deploy_asking, owner: psycopg.Connection
):
    report = deploy_asking(None)
    assert report.outcome is Outcome.BLOCKED
    assert "nobody to ask" in report.errors[0]
    assert state_in_ledger(owner) is None


def test_no_terminal_is_said_before_anything_is_begun(world: World):
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "deploy", "008", "--approval"],
        env=os.environ | world.environment(NO_ENDPOINT),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 10
    assert "standard input is none" in done.stderr


def test_asked_again_until_the_answer_is_one(flight):
    from rich.console import Console

    from flows.asking import asker
    from flows.migration.plan import plan_of

    plan = plan_of(flight.migration, flight.choice, flight.budget_ms, flight.outlook)
    ours, theirs = pty.openpty()
    os.write(ours, b"yes\napprove\n\nprod\napprove\nAnn\nprod\n")
    with pytest.MonkeyPatch.context() as patch, os.fdopen(theirs) as stdin:
        patch.setattr("sys.stdin", stdin)
        answer = asker(Console(quiet=True))(plan, "prod")
    os.close(ours)
    assert (answer.decision, answer.approver, answer.target) == (
        ("approve", "Ann", "prod")
    )
