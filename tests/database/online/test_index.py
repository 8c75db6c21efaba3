"""Indexes that are built and dropped while everybody goes on working."""

import psycopg
import pytest

from flows.database.online.apply import apply_online
from flows.demo.world import World
from flows.migration.errors import ApplyFailed
from flows.migration.progress import Progress
from tests.database.conftest import Bare
from tests.database.online.conftest import FlyOnline
from tests.database.online.test_apply import states
from tests.fix_flight import MakeFlight

INDEX = "CREATE INDEX by_name ON platform.users (display_name)"
STATE = (
    "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('platform.by_name')"
)


def test_index_is_built_and_valid(bare: Bare, fly_online: FlyOnline, owner):
    bare(INDEX)
    locks = fly_online().locks
    assert owner.execute(STATE).fetchone() == (True,)
    assert "SHARE" not in {lock.mode for lock in locks}


def test_duplicates_are_named_and_no_wreck_is_left(
    bare: Bare, fly_online: FlyOnline, owner: psycopg.Connection
):
    owner.execute("UPDATE platform.users SET display_name = 'twin'")
    bare(INDEX.replace("INDEX", "UNIQUE INDEX"))
    with pytest.raises(ApplyFailed) as caught:
        fly_online()
    assert "could not create unique index" in caught.value.message
    assert "(display_name)=(twin) is duplicated" in caught.value.help
    assert owner.execute(STATE).fetchone() is None
    assert states(owner) == [("rolled_back", "online")]


def test_invalid_leftover_is_rebuilt(
    bare: Bare, fly_online: FlyOnline, admin: psycopg.Connection
):
    """IF NOT EXISTS alone would take it for the real one."""
    admin.execute(INDEX)
    admin.execute(
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = 'platform.by_name'::regclass"
    )
    bare(INDEX.replace("INDEX", "INDEX IF NOT EXISTS"))
    fly_online()
    assert admin.execute(STATE).fetchone() == (True,)


def test_index_is_dropped(bare: Bare, fly_online: FlyOnline, owner):
    owner.execute(INDEX)
    bare("DROP INDEX platform.by_name")
    fly_online()
    assert owner.execute(STATE).fetchone() is None


def test_build_in_the_way_of_an_application_is_given_up_and_tried_again(
    bare: Bare,
    make_flight: MakeFlight,
    world: World,
    admin: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
):
    """Cancelled once, as the watcher does when somebody waits too long."""
    cancelled: list[int] = []
    bare(INDEX)
    flight = make_flight(strategy="online")
    old = psycopg.connect(world.app_url)
    old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT 1 FROM platform.organizations")
    monkeypatch.setattr("flows.database.online.meter.SAY_EVERY_S", 0.0)
    monkeypatch.setattr("flows.database.online.index.SAY_EVERY_S", 0.1)

    def say(line: str) -> None:
        if isinstance(line, Progress) and not cancelled:
            row = admin.execute(
                "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity"
                " WHERE query LIKE 'CREATE INDEX%' AND application_name LIKE 'pgfl%'"
            ).fetchone()
            assert row is not None
            cancelled.append(row[0])
            old.rollback()

    apply_online(flight, say)
    assert cancelled == [1]
    assert admin.execute(STATE).fetchone() == (True,)
    old.close()
