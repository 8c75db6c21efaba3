"""Ctrl-C or a cancellation, and maybe a kill after it: nobody goes on with it."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from prefect.exceptions import TerminationSignal

from flows.database.attempt import Committed, Say
from flows.database.claim import claiming
from flows.database.condemned import condemn
from flows.database.logbook import open_flight
from flows.database.online.apply import apply_online
from flows.database.revert import Reverted
from flows.migration.errors import (
    ConnectionFailed,
    LocksNotObtained,
    StatementFailed,
)
from flows.migration.flight import Flight
from flows.migration.outcome import Outcome
from flows.migration.report import CANCELLED, Report
from flows.tasks import accept as acceptance
from flows.tasks import landing
from flows.tasks.engine import without_prefect
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump, is_in_place, state_in_ledger

Stop = Callable[[BaseException], Report]
Fly = Callable[..., list[Report]]
Alone = Callable[[str], Report]

UNDONE = "SELECT count(*) > 0 FROM pgflight.step WHERE state = 'undone'"


@pytest.fixture
def fly(target: None, folder: Path, ledger: None) -> Fly:
    """Runs a flow without Prefect that is stopped; returns the reports it closed."""
    from flows.tasks.landed import keeping_reports

    def run(flow: Any, *given: object, **more: object) -> list[Report]:
        with (
            without_prefect(),
            keeping_reports() as kept,
            suppress(KeyboardInterrupt, SystemExit, TerminationSignal),
        ):
            flow.fn(*given, folder=str(folder), **more)
        return kept

    return run


@pytest.fixture
def alone(fly: Fly) -> Alone:
    """Runs recover, or deploys again, as whoever comes later does."""
    from flows.deploy import deploy_migration
    from flows.recover import recover_migrations

    def run(action: str) -> Report:
        if action == "recover":
            return fly(recover_migrations)[-1]
        return fly(deploy_migration, "008")[-1]

    return run


@pytest.fixture
def stop(fly: Fly, monkeypatch: pytest.MonkeyPatch) -> Stop:
    """Deploy, and be stopped as soon as the ledger has the last word."""
    from flows import deploy

    def run(error: BaseException) -> Report:
        def accept(*given: object) -> None:
            acceptance.accept.plain(*given)  # type: ignore[arg-type]
            raise error

        monkeypatch.setattr(deploy, "accept", accept)
        return fly(deploy.deploy_migration, "008")[-1]

    return run


# What reads the log of a worker's run may be gone: its next line ends the process.
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(1), RuntimeError("Prefect's")]
)
def test_what_was_accepted_stays(
    stop: Stop, owner: psycopg.Connection, dump_schema: Dump, error: BaseException
):
    assert stop(error).outcome is Outcome.DEPLOYED
    assert state_in_ledger(owner) == "accepted"
    assert is_in_place(dump_schema())


def raising(error: BaseException) -> Callable[..., None]:
    def do(*_: object, **__: object) -> None:
        raise error

    return do


@pytest.fixture
def killed_on_its_way_back(fly: Fly) -> Callable[[BaseException], None]:
    """Ended by an error after its COMMIT, and killed before a rollback has begun."""
    from flows import deploy

    def run(error: BaseException) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(deploy, "verify", raising(error))
            # As good as SIGKILL: the process does nothing more, and says nothing.
            patch.setattr(deploy, "roll_back_without_prefect", raising(error))
            patch.setattr(landing, "close", lambda *_: None)
            assert fly(deploy.deploy_migration, "008") == []

    return run


def assert_taken_back(report: Report, owner: psycopg.Connection) -> None:
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 20)
    assert state_in_ledger(owner) == "rolled_back"


@pytest.mark.parametrize("action", ["recover", "deploy"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), TerminationSignal(signal=15)])
def test_what_was_stopped_after_its_commit_is_taken_back(
    killed_on_its_way_back: Callable[[BaseException], None],
    alone: Alone,
    owner: psycopg.Connection,
    dump_schema: Dump,
    error: BaseException,
    action: str,
):
    before = dump_schema()
    killed_on_its_way_back(error)
    assert state_in_ledger(owner) == "applied"
    assert_taken_back(alone(action), owner)
    assert dump_schema() == before


@pytest.mark.parametrize("action", ["recover", "deploy"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), StatementFailed("no", "", "")])
def test_what_was_on_its_way_back_online_is_taken_back(
    make_flight: MakeFlight,
    alone: Alone,
    owner: psycopg.Connection,
    dump_schema: Dump,
    error: BaseException,
    action: str,
):
    before = dump_schema()
    flight = make_flight(strategy="online")

    def say(line: str) -> None:
        if "CREATE INDEX" in line:
            raise error
        if line.startswith("Saved"):
            raise KeyboardInterrupt

    open_flight(flight)
    with pytest.raises(KeyboardInterrupt):
        apply_online(flight, say)
    assert owner.execute(UNDONE).fetchone() == (True,)
    assert_taken_back(alone(action), owner)
    assert dump_schema() == before


def test_look_at_what_is_accepted_is_stopped(
    fly: Fly, monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection
):
    """Nothing was begun, so nobody has to decide anything."""
    from flows import deploy

    assert fly(deploy.deploy_migration, "008")[-1].outcome is Outcome.DEPLOYED
    monkeypatch.setattr(deploy, "verify", raising(KeyboardInterrupt()))
    assert fly(deploy.deploy_migration, "008")[-1].outcome is Outcome.BLOCKED
    assert state_in_ledger(owner) == "accepted"


@pytest.fixture
def stop_rollback(fly: Fly) -> Callable[[str], Report]:
    """Roll back, and be stopped when such a line is said; returns its report."""
    from flows import rollback
    from flows.database.revert import revert
    from flows.tasks import rollback as steps

    def run(begin: str) -> Report:
        def revert_until(flight: Flight, reason: str, _: Say) -> Committed[Reverted]:
            def say(line: str) -> None:
                if line.startswith(begin):
                    raise KeyboardInterrupt

            committed = revert(flight, reason, say)
            if begin == "COMMIT":
                raise KeyboardInterrupt
            return committed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(steps, "revert_migration", revert_until)
            return fly(rollback.rollback_migration, "008", confirm="008")[-1]

    return run


def test_stopped_end_of_an_unfinished_rollback_is_told_as_one(
    killed_on_its_way_back: Callable[[BaseException], None],
    fly: Fly,
    alone: Alone,
    monkeypatch: pytest.MonkeyPatch,
):
    """Nobody has to decide anything: the next recovery goes on with it."""
    from flows import deploy

    killed_on_its_way_back(KeyboardInterrupt())
    with monkeypatch.context() as patch:
        patch.setattr(deploy, "roll_back", raising(KeyboardInterrupt()))
        report = fly(deploy.deploy_migration, "008")[-1]
    assert (report.outcome, report.exit_code) == (Outcome.ROLLBACK_FAILED, 30)
    assert alone("recover").outcome is Outcome.ROLLED_BACK


@pytest.mark.parametrize(
    ("step", "outcome"),
    [("claim", Outcome.BLOCKED), ("restore", Outcome.NEEDS_DECISION)],
)
def test_stopped_restore_is_told(
    fly: Fly, alone: Alone, monkeypatch: pytest.MonkeyPatch, step: str, outcome: Outcome
):
    from flows import restore
    from flows.rollback import rollback_migration

    alone("deploy")
    fly(rollback_migration, "008", confirm="008")
    monkeypatch.setattr(restore, "find_saved", lambda _: True)
    monkeypatch.setattr(restore, step, raising(KeyboardInterrupt()))
    assert fly(restore.restore_migration, "008")[-1].outcome is outcome


def last_event(owner: psycopg.Connection) -> tuple[str, str]:
    row = owner.execute(
        "SELECT kind, outcome FROM pgflight.event ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert row
    return row[0], row[1]


def test_stopped_rollback_of_what_was_accepted_leaves_it(
    alone: Alone, stop_rollback, owner: psycopg.Connection, dump_schema: Dump
):
    alone("deploy")
    before = dump_schema()
    report = stop_rollback("ALTER TABLE")
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert report.errors[0] == CANCELLED
    assert "nothing was changed: 008 is in place as before" in report.errors[1]
    assert "`pgflight rollback 008` begins it anew" in report.errors[1]
    assert last_event(owner) == ("ended", "BLOCKED")
    assert alone("recover").outcome is Outcome.NOTHING_TO_DO
    assert state_in_ledger(owner) == "accepted"
    assert dump_schema() == before


def test_stopped_rollback_that_got_through_is_one(
    alone: Alone, stop_rollback, owner: psycopg.Connection, dump_schema: Dump
):
    before = dump_schema()
    alone("deploy")
    report = stop_rollback("COMMIT")
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 0)
    assert last_event(owner) == ("ended", "ROLLED_BACK")
    assert dump_schema() == before


def test_stopped_rollback_of_what_was_not_accepted_goes_on(
    killed_on_its_way_back: Callable[[BaseException], None],
    alone: Alone,
    stop_rollback,
    owner: psycopg.Connection,
    dump_schema: Dump,
):
    before = dump_schema()
    killed_on_its_way_back(KeyboardInterrupt())
    report = stop_rollback("ALTER TABLE")
    assert (report.outcome, report.exit_code) == (Outcome.ROLLBACK_FAILED, 30)
    assert last_event(owner) == ("ended", "ROLLBACK_FAILED")
    assert alone("recover").outcome is Outcome.ROLLED_BACK
    assert dump_schema() == before


def test_rollback_that_is_refused_again_wakes_nobody(
    killed_on_its_way_back: Callable[[BaseException], None],
    alone: Alone,
    monkeypatch: pytest.MonkeyPatch,
):
    """Somebody may read the table for hours, and a recovery looks every few minutes."""
    from flows import deploy

    killed_on_its_way_back(KeyboardInterrupt())
    refused = Report(action="rollback", version="008", run_id=str(uuid4()))
    with monkeypatch.context() as patch:
        patch.setattr(deploy, "roll_back", lambda *_: refused.conclude(Outcome.BLOCKED))
        assert alone("recover").outcome is Outcome.BLOCKED
    assert alone("recover").outcome is Outcome.ROLLED_BACK


def test_stop_while_the_end_is_decided_takes_it_back(
    fly: Fly, monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection
):
    from flows import deploy

    monkeypatch.setattr(deploy, "verify", raising(StatementFailed("no", "", "")))
    monkeypatch.setattr(landing, "must_roll_back", raising(KeyboardInterrupt()))
    assert fly(deploy.deploy_migration, "008")[-1].outcome is Outcome.ROLLED_BACK
    assert last_event(owner) == ("ended", "ROLLED_BACK")


def test_second_stop_before_anything_is_known_is_unknown(
    fly: Fly, monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection
):
    from flows import deploy

    monkeypatch.setattr(deploy, "verify", raising(KeyboardInterrupt()))
    monkeypatch.setattr(landing, "must_take_back_own", raising(KeyboardInterrupt()))
    report = fly(deploy.deploy_migration, "008")[-1]
    assert (report.outcome, report.exit_code) == (Outcome.UNKNOWN, 50)
    assert last_event(owner) == ("ended", "UNKNOWN")


def test_stop_while_the_end_of_a_rollback_is_decided_is_told(
    alone: Alone, fly: Fly, monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection
):
    from flows import rollback

    alone("deploy")
    monkeypatch.setattr(rollback, "revert", raising(StatementFailed("no", "", "")))
    failed = "conclude_failed_rollback"
    monkeypatch.setattr(landing, failed, raising(KeyboardInterrupt()))
    report = fly(rollback.rollback_migration, "008", confirm="008")[-1]
    assert report.outcome is Outcome.BLOCKED
    assert state_in_ledger(owner) == "accepted"


def test_deployments_own_rollback_that_was_committed_is_told(
    alone: Alone, fly: Fly, monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection
):
    from flows import rollback

    alone("deploy")
    monkeypatch.setattr(rollback, "verify_reverted", raising(KeyboardInterrupt()))
    with claiming():
        (report,) = fly(rollback.rollback_migration, "008", confirm="008")
    assert report.outcome is Outcome.ROLLED_BACK
    assert last_event(owner) == ("ended", "ROLLED_BACK")


def test_stop_after_a_restore_has_concluded_changes_nothing(
    alone: Alone, fly: Fly, monkeypatch: pytest.MonkeyPatch
):
    from flows import restore
    from flows.rollback import rollback_migration

    def restored(flight: Flight) -> None:
        flight.report.conclude(Outcome.RESTORED)
        raise KeyboardInterrupt

    alone("deploy")
    fly(rollback_migration, "008", confirm="008")
    monkeypatch.setattr(restore, "find_saved", lambda _: True)
    monkeypatch.setattr(restore, "restore", restored)
    assert fly(restore.restore_migration, "008")[-1].outcome is Outcome.RESTORED


def test_rollback_that_reaches_no_database_is_no_alarm(
    alone: Alone, fly: Fly, monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection
):
    """Nothing is known to be bad, and nothing was begun."""
    from flows import rollback

    alone("deploy")
    monkeypatch.setattr(rollback, "claim", raising(ConnectionFailed("gone")))
    (report,) = fly(rollback.rollback_migration, "008", confirm="008")
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert state_in_ledger(owner) == "accepted"


def test_rollback_whose_note_stays_is_not_called_blocked(
    alone: Alone, fly: Fly, monkeypatch: pytest.MonkeyPatch
):
    """The next recovery goes on with it."""
    from flows import rollback

    def leave_note(flight: Flight, reason: str) -> None:
        condemn(flight, reason)
        raise LocksNotObtained("not to be had")

    alone("deploy")
    monkeypatch.setattr(rollback, "revert", leave_note)
    (report,) = fly(rollback.rollback_migration, "008", confirm="008")
    assert (report.outcome, report.exit_code) == (Outcome.ROLLBACK_FAILED, 30)
