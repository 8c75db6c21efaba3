"""Verification on replicas, on a real streaming standby: waited for, and looked at."""

from dataclasses import replace

import psycopg
import pytest
from pydantic import SecretStr

from flows.database.apply import apply
from flows.database.connection import reading
from flows.database.replica import position
from flows.database.replicas import check_replicas
from flows.demo.world import World
from flows.migration.check import Check
from flows.migration.flight import Flight
from flows.migration.probe import Verdict
from flows.migration.progress import Progress
from tests.database.conftest import quiet
from tests.fix_flight import MakeFlight
from tests.fix_standby import Reader


@pytest.fixture
def flight(make_flight: MakeFlight, standby: str) -> Flight:
    return make_flight(PGFLIGHT_REPLICAS=standby)


def only(checks: list[Check]) -> Check:
    """Never a failure: nothing is rolled back for a replica."""
    (check,) = checks
    assert (check.kind, check.verdict) == ("replica", Verdict.PASS)
    return check


def with_replica(flight: Flight, url: str) -> Flight:
    target = replace(flight.target, replica_urls=(SecretStr(url),))
    return replace(flight, target=target)


def test_migration_is_seen(flight: Flight, standby: str) -> None:
    apply(flight, quiet)
    check = only(check_replicas(flight, quiet))
    assert check.subject == standby.rpartition("@")[2]
    assert check.detail.startswith("shows the migration, ")
    assert not check.is_warning


def test_reader_that_holds_it_up_is_named_and_it_goes_on_without(
    flight: Flight, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.execute("SELECT count(*) FROM platform.users")
    apply(flight, quiet)
    said: list[str] = []
    monkeypatch.setattr("flows.database.replicas.PATIENCE_S", 0.3)
    check = only(check_replicas(flight, said.append))
    assert check.is_warning
    assert f"held up there by pid {reader.info.backend_pid}, reporting" in check.detail
    assert "This is no reason to roll back" in check.detail
    assert isinstance(said[0], Progress)


def test_replica_that_is_late_is_waited_for(flight: Flight, reader: Reader) -> None:
    reader.execute("SELECT count(*) FROM platform.users")
    apply(flight, quiet)
    # The first line of progress ends what holds it up.
    check = only(check_replicas(flight, lambda line: reader.rollback()))
    assert not check.is_warning


def test_replay_that_is_paused_is_not_waited_for(
    flight: Flight, standby_admin: psycopg.Connection
) -> None:
    standby_admin.execute("SELECT pg_wal_replay_pause()")
    apply(flight, quiet)
    said: list[str] = []
    check = only(check_replicas(flight, said.append))
    assert check.is_warning
    assert "has its replay paused" in check.detail
    assert "pg_wal_replay_resume()" in check.detail
    assert said == []


def test_what_is_replayed_and_not_to_be_seen_is_told(
    flight: Flight, owner: psycopg.Connection
) -> None:
    apply(flight, quiet)
    owner.execute("ALTER TABLE platform.users DROP COLUMN active_org_id")
    check = only(check_replicas(flight, quiet))
    assert check.is_warning
    assert "column platform.users.active_org_id: does not exist" in check.detail


def test_primary_in_the_place_of_a_replica_is_told(
    make_flight: MakeFlight, world: World
) -> None:
    flight = with_replica(make_flight(), world.owner_url)
    check = only(check_replicas(flight, quiet))
    assert check.is_warning
    assert "is no standby: it takes writes itself" in check.detail


def test_replica_that_is_away_is_told(make_flight: MakeFlight) -> None:
    flight = with_replica(make_flight(), "postgresql://nobody@127.0.0.1:9/nowhere")
    check = only(check_replicas(flight, quiet))
    assert check.is_warning
    assert check.detail.startswith("cannot be asked: Cannot reach the database")


def test_position_is_one_that_a_standby_can_reach(
    flight: Flight, admin: psycopg.Connection
) -> None:
    """Behind a full page there is a header that nothing is replayed up to."""
    admin.execute("SELECT pg_switch_wal()")
    with reading(flight.target, "test") as conn:
        assert not position(conn).endswith("28")
