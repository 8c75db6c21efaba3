"""The flow recover-migrations: what killed runs have left is brought to its end."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.claim import Claim
from flows.database.condemned import condemned
from flows.database.logbook import close_flight, open_flight
from flows.database.verify import record_accepted
from flows.demo.service import run_application
from flows.demo.world import World
from flows.migration.errors import Blocked, ConnectionFailed, Inconclusive
from flows.migration.flight import Flight
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.tasks.engine import without_prefect
from tests.database.conftest import quiet
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump, state_in_ledger
from tests.fix_prefect import Fly


@pytest.fixture
def recover(target: None, folder: Path) -> Callable[[], Report]:
    from flows.recover import recover_migrations
    from flows.tasks.landing import report_of

    def run() -> Report:
        with without_prefect():
            return report_of(recover_migrations.fn(folder=str(folder)))

    return run


@pytest.fixture
def killed(make_flight: MakeFlight) -> Flight:
    """A run that committed, and whose process died right after."""
    flight = make_flight()
    open_flight(flight)
    apply(flight, quiet)
    return flight


def accept(owner: psycopg.Connection) -> None:
    owner.execute("UPDATE pgflight.run SET state = 'accepted'")


def begin_rollback(flight: Flight, reason: str) -> None:
    """As a process that dies in mid-rollback leaves it."""
    with pytest.raises(ConnectionFailed), condemned(flight, reason):
        raise ConnectionFailed("killed")


def end(flight: Flight, outcome: Outcome) -> None:
    close_flight(flight.target, flight.report.conclude(outcome), flight.in_place_as)


def last_event(owner: psycopg.Connection, flight_id: UUID) -> tuple[str, str | None]:
    row = owner.execute(
        "SELECT kind, outcome FROM pgflight.event WHERE flight_id = %s"
        " ORDER BY id DESC LIMIT 1",
        [flight_id],
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_nothing_was_left(recover, owner: psycopg.Connection):
    assert recover().outcome is Outcome.NOTHING_TO_DO
    assert state_in_ledger(owner) is None


def test_committed_run_is_verified_and_accepted(
    recover, killed: Flight, owner: psycopg.Connection
):
    report = recover()
    assert (report.outcome, report.exit_code) == (Outcome.DEPLOYED, 0)
    assert state_in_ledger(owner) == "accepted"
    assert last_event(owner, killed.run_id)[0] == "settled"


def test_committed_run_that_is_bad_is_rolled_back(
    recover, killed: Flight, world: World, monkeypatch: pytest.MonkeyPatch
):
    with run_application(world, "endpoint") as broken:
        monkeypatch.setenv("PGFLIGHT_ENDPOINT", broken)
        report = recover()
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 20)


def test_unfinished_rollback_goes_on(
    recover, killed: Flight, owner: psycopg.Connection, dump_schema: Dump
):
    accept(owner)
    begin_rollback(killed, "it was slow")
    report = recover()
    assert report.outcome is Outcome.ROLLED_BACK
    assert "it was slow" in report.recovered[0].errors[0]
    assert state_in_ledger(owner) == "rolled_back"


def test_deploy_brings_an_unfinished_rollback_to_its_end(
    killed: Flight, target: None, folder: Path, owner: psycopg.Connection
):
    from flows.deploy import deploy_migration
    from flows.tasks.landing import report_of

    begin_rollback(killed, "it was slow")
    with without_prefect():
        report = report_of(deploy_migration.fn("008", folder=str(folder)))
    assert report.outcome is Outcome.ROLLED_BACK
    assert state_in_ledger(owner) == "rolled_back"


def test_lost_commit_that_did_not_happen_is_settled(
    recover, flight: Flight, owner: psycopg.Connection
):
    open_flight(flight)
    end(flight, Outcome.UNKNOWN)
    assert recover().outcome is Outcome.NOTHING_TO_DO
    assert last_event(owner, flight.run_id) == ("settled", "ROLLED_BACK")


def test_lost_commit_that_did_happen_goes_on(
    recover, killed: Flight, owner: psycopg.Connection
):
    end(killed, Outcome.UNKNOWN)
    assert recover().outcome is Outcome.DEPLOYED
    assert state_in_ledger(owner) == "accepted"


@pytest.mark.parametrize("outcome", [Outcome.NEEDS_DECISION, Outcome.ROLLBACK_FAILED])
def test_what_waits_for_a_person_is_named_and_left(
    recover, killed: Flight, owner: psycopg.Connection, outcome: Outcome
):
    end(killed, outcome)
    report = recover()
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert "008 is applied and waits for a decision" in report.errors[0]
    assert state_in_ledger(owner) == "applied"


def refused(flight: Flight) -> None:
    """Another run was at work: it has not even begun."""
    end(flight, Outcome.BLOCKED)


def ended(outcome: Outcome) -> Callable[[Flight], None]:
    def fly(flight: Flight) -> None:
        open_flight(flight)
        end(flight, outcome)

    return fly


@pytest.mark.parametrize(
    ("action", "fly"),
    [
        ("deploy", refused),
        ("deploy", ended(Outcome.BLOCKED)),
        ("rollback", ended(Outcome.BLOCKED)),
        ("rollback", open_flight),
        ("restore", ended(Outcome.RESTORED)),
    ],
)
def test_what_decides_nothing_leaves_it_to_the_person(
    recover,
    killed: Flight,
    make_flight: MakeFlight,
    owner: psycopg.Connection,
    action: str,
    fly: Callable[[Flight], None],
):
    end(killed, Outcome.NEEDS_DECISION)
    later = make_flight()
    later.report.action = action
    fly(later)
    assert recover().outcome is Outcome.NEEDS_DECISION
    assert state_in_ledger(owner) == "applied"


def test_person_who_deploys_again_has_decided(
    recover, killed: Flight, make_flight: MakeFlight, owner: psycopg.Connection
):
    end(killed, Outcome.NEEDS_DECISION)
    open_flight(make_flight())
    assert recover().outcome is Outcome.DEPLOYED
    assert state_in_ledger(owner) == "accepted"


def test_rollback_that_began_after_preflight_stops_the_claim(
    killed: Flight, make_flight: MakeFlight
):
    later = make_flight()
    begin_rollback(killed, "it was slow")
    with pytest.raises(Blocked, match="being rolled back, because: it was slow"):
        open_flight(later)


def test_run_whose_rollback_began_is_not_accepted(
    killed: Flight, owner: psycopg.Connection
):
    begin_rollback(killed, "it was slow")
    with pytest.raises(Inconclusive, match="rolled back, or began to be"):
        record_accepted(killed, "10 probes passed")
    assert state_in_ledger(owner) == "applied"


def test_run_at_work_is_not_recovered(
    recover, killed: Flight, owner: psycopg.Connection
):
    claim = Claim()
    claim.take(killed.target, "somebody 008")
    report = recover()
    claim.release()
    assert (report.outcome, report.exit_code) == (Outcome.NOTHING_TO_DO, 0)
    assert "claim somebody 008 (pid" in report.errors[0]
    assert state_in_ledger(owner) == "applied"


def test_wrong_database_is_refused(
    recover, killed: Flight, monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection
):
    monkeypatch.setenv("PGFLIGHT_EXPECTED_DATABASE", "another")
    report = recover()
    assert report.outcome is Outcome.BLOCKED
    assert state_in_ledger(owner) == "applied"


def test_missing_files_are_a_sentence(recover, killed: Flight, folder: Path):
    for path in (folder / "008_active_org").iterdir():
        path.unlink()
    report = recover()
    assert report.outcome is Outcome.BLOCKED
    assert "008" in report.recovered[0].errors[0]


def test_with_prefect(
    prefect: None, killed: Flight, target: None, folder: Path, owner: psycopg.Connection
):
    from flows.recover import recover_migrations
    from flows.tasks.landing import report_of

    report = report_of(recover_migrations(folder=str(folder), return_state=True))
    assert report.outcome is Outcome.DEPLOYED
    assert state_in_ledger(owner) == "accepted"


def test_loser_of_a_race_says_who_won(
    deploy: Fly, flight: Flight, owner: psycopg.Connection
):
    claim = Claim()
    claim.take(flight.target, f"{uuid4()} 008")
    report = deploy()
    claim.release()
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert "Another deployment is at work" in report.errors[0]


def test_every_flight_is_in_the_audit(
    deploy: Fly, folder: Path, owner: psycopg.Connection
):
    up = folder / "008_active_org" / "up.sql"
    up.write_text(f"{up.read_text()}\nSELECT no_such_function();\n")
    assert deploy().outcome is Outcome.ROLLED_BACK
    events = owner.execute(
        "SELECT kind, outcome, actor, client LIKE '%@%', detail FROM pgflight.event"
        " ORDER BY id"
    ).fetchall()
    assert [event[:4] for event in events] == [
        ("started", None, "platform_owner", True),
        ("ended", "ROLLED_BACK", "platform_owner", True),
    ]
    assert "no_such_function" in events[1][4]
