"""Putting back in batches: online, and by hand into a table that is in use."""

import threading
import time

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.connection import session
from flows.database.ledger import take_fence
from flows.database.online.apply import apply_online
from flows.database.online.restore import TOO_LARGE, restore_by_hand
from flows.database.revert import revert
from flows.database.saved import still_saved
from flows.database.verify import record_verified
from flows.demo.world import World
from flows.migration.errors import Blocked, Busy
from flows.migration.report import Restored
from tests.database.conftest import Bare, quiet
from tests.database.online.conftest import AddAndRollBack, FlyOnline, Pilot
from tests.database.online.test_killed import SLOW_ROWS, fly_when_free, kill_during
from tests.database.test_restore import CHOOSE, CHOSEN, GONE, reasons
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump

ONE = "WHERE id = (SELECT min(id::text)::uuid FROM platform.users)"
NEWER = " ".join(["UPDATE platform.users SET v = 'newer'", ONE])


def by_hand(make_flight: MakeFlight) -> list[Restored]:
    return restore_by_hand(make_flight(), quiet)


def test_online_puts_back_before_it_fills(
    rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    rolled_back()
    (restored,) = fly_online().restored
    assert restored.rows == 450 and restored.conflicts == []
    chosen = owner.execute(CHOSEN).fetchall()
    owner.execute(CHOOSE)
    assert owner.execute(CHOSEN).fetchall() == chosen


def test_online_fills_what_could_not_be_put_back(
    rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    left = (
        "DELETE FROM platform.org_members WHERE org_id ="
        " (SELECT max(org_id::text)::uuid FROM platform.org_members)"
    )
    rolled_back(CHOOSE, left)
    found = reasons(list(fly_online().restored))
    assert found.keys() == {"it is not valid any more"}
    missing = owner.execute(
        "SELECT count(*) FROM platform.users AS u WHERE active_org_id IS NULL"
        " AND EXISTS (SELECT FROM platform.org_members AS m WHERE m.user_id = u.id)"
    )
    assert missing.fetchone() == (0,)


def test_online_asks_for_the_organisation_before_the_foreign_key_is_there(
    rolled_back: AddAndRollBack, fly_online: FlyOnline
):
    gone = (
        "DELETE FROM platform.organizations WHERE id = ("
        " SELECT org_id FROM platform.org_members ORDER BY org_id DESC LIMIT 1)"
    )
    rolled_back(CHOOSE, gone)
    found = reasons(list(fly_online().restored))
    assert found.keys() == {"the row of platform.organizations that it names is gone"}


def test_what_the_application_wrote_since_wins(
    bare: Bare, rolled_back: AddAndRollBack, make_flight: MakeFlight, owner
):
    bare(
        "ALTER TABLE platform.users ADD COLUMN v text",
        "ALTER TABLE platform.users DROP COLUMN v",
    )
    rolled_back("UPDATE platform.users SET v = 'saved'")
    owner.execute("ALTER TABLE platform.users ADD COLUMN v text")
    owner.execute(NEWER.encode())
    (restored,) = by_hand(make_flight)
    assert restored.rows == 499
    assert reasons([restored]) == {"another value is there now": 1}
    values = "SELECT v, count(*) FROM platform.users GROUP BY 1 ORDER BY 1"
    assert owner.execute(values).fetchall() == [("newer", 1), ("saved", 499)]


def test_killed_in_mid_restore_goes_on(
    rolled_back: AddAndRollBack,
    pilot: Pilot,
    fly_online: FlyOnline,
    admin: psycopg.Connection,
    owner: psycopg.Connection,
):
    rolled_back()
    admin.execute(SLOW_ROWS)
    kill_during(admin, pilot, 0, "%WITH saved AS%", "Timeout")
    state = owner.execute("SELECT restored_at FROM pgflight.saved").fetchone()
    assert state == (None,)
    admin.execute("DROP FUNCTION public.slow() CASCADE")
    (restored,) = fly_when_free(fly_online).restored
    assert (restored.rows, restored.conflicts) == (450, [])
    chosen = owner.execute(CHOSEN).fetchall()
    owner.execute(CHOOSE)
    assert owner.execute(CHOSEN).fetchall() == chosen


def test_rows_are_put_back_online(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    bare(
        "CREATE TABLE platform.k (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " v text)",
        "DROP TABLE platform.k",
    )
    rolled_back("INSERT INTO platform.k (v) VALUES ('a'), ('b')")
    (restored,) = fly_online().restored
    assert (restored.rows, restored.conflicts) == (2, [])
    owner.execute("INSERT INTO platform.k (v) VALUES ('c')")
    found = owner.execute("SELECT id, v FROM platform.k ORDER BY id").fetchall()
    assert found == [(1, "a"), (2, "b"), (3, "c")]


def test_conflict_that_is_gone_is_put_back_by_hand(
    rolled_back: AddAndRollBack, make_flight: MakeFlight, owner
):
    select = GONE.replace("DELETE", "SELECT id", 1)
    kept = owner.execute(select.encode()).fetchone()
    rolled_back(CHOOSE, GONE)
    flight = make_flight()
    (first,) = apply(flight, quiet).restored
    record_verified(flight, "test")
    assert reasons([first]) == {"the row is gone": 1}
    # Put back once already: whoever has emptied it since meant it.
    owner.execute("UPDATE platform.users SET active_org_id = NULL")
    assert reasons(by_hand(make_flight)) == {"the row is gone": 1}
    assert owner.execute(CHOSEN).fetchall() == []
    (again,) = still_saved(flight.target, "008")
    assert again.rows == 1
    owner.execute(
        "INSERT INTO platform.users (id, email, display_name, password_hash)"
        " VALUES (%s, 'back', 'back', '!')",
        [kept and kept[0]],
    )
    assert reasons(by_hand(make_flight)) == {"it is not valid any more": 1}
    owner.execute(
        "INSERT INTO platform.org_members (user_id, org_id)"
        " SELECT %s, value_texts[1]::uuid FROM pgflight.saved_row"
        " WHERE conflict IS NOT NULL",
        [kept and kept[0]],
    )
    (restored,) = by_hand(make_flight)
    assert restored.conflicts == []
    assert still_saved(flight.target, "008") == []


def test_what_was_emptied_since_stays_empty(
    rolled_back: AddAndRollBack, make_flight: MakeFlight, owner
):
    """It was put back once, by the deployment."""
    rolled_back()
    apply(make_flight(), quiet)
    owner.execute("UPDATE platform.users SET active_org_id = NULL")
    assert by_hand(make_flight) == []
    assert owner.execute(CHOSEN).fetchall() == []


def test_refused_rows_keep_no_others_from_being_put_back(
    bare: Bare, rolled_back: AddAndRollBack, make_flight: MakeFlight, owner
):
    bare(
        "ALTER TABLE platform.users ADD COLUMN v text",
        "ALTER TABLE platform.users DROP COLUMN v",
    )
    rolled_back(
        "WITH n AS (SELECT id, row_number() OVER () AS n FROM platform.users)"
        " UPDATE platform.users AS u SET v = n.n FROM n WHERE n.id = u.id"
    )
    owner.execute(
        "ALTER TABLE platform.users ADD COLUMN v text CONSTRAINT few"
        " CHECK (v NOT IN ('7', '300'))"
    )
    (restored,) = by_hand(make_flight)
    assert restored.rows == 498
    (conflict,) = restored.conflicts
    assert conflict.rows == 2
    assert conflict.reason.startswith("refused by the server: ")


def test_restore_without_a_place_says_what_to_do(
    rolled_back: AddAndRollBack, make_flight: MakeFlight
):
    rolled_back()
    with pytest.raises(Blocked, match=r"active_org_id is not there") as caught:
        by_hand(make_flight)
    assert "pgflight deploy 008" in caught.value.help


def test_restore_beside_another_deployer_is_busy(make_flight: MakeFlight, ledger):
    flight = make_flight()
    with session(flight.target, "other") as conn:
        take_fence(conn)
        with pytest.raises(Busy):
            restore_by_hand(flight, quiet)


def test_restore_waits_for_a_row_that_somebody_has_locked(
    bare: Bare,
    rolled_back: AddAndRollBack,
    make_flight: MakeFlight,
    owner,
    world: World,
):
    """And what was written to it meanwhile wins."""
    bare(
        "ALTER TABLE platform.users ADD COLUMN v text",
        "ALTER TABLE platform.users DROP COLUMN v",
    )
    rolled_back("UPDATE platform.users SET v = 'saved'")
    owner.execute("ALTER TABLE platform.users ADD COLUMN v text")
    with psycopg.connect(world.owner_url) as writer:
        writer.execute(NEWER.encode())
        found: list[Restored] = []
        thread = threading.Thread(target=lambda: found.extend(by_hand(make_flight)))
        thread.start()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND application_name LIKE 'pgflight step-0 %'"
        )
        deadline = time.monotonic() + 20
        while owner.execute(waiting).fetchone() == (0,):
            assert time.monotonic() < deadline
    thread.join()
    assert reasons(found) == {"another value is there now": 1}
    assert found[0].rows == 499


def test_column_without_key_by_hand(
    bare: Bare, rolled_back: AddAndRollBack, make_flight: MakeFlight, owner
):
    owner.execute("CREATE TABLE platform.log (line text)")
    owner.execute("INSERT INTO platform.log VALUES ('a'), ('a'), ('b')")
    bare(
        "ALTER TABLE platform.log ADD COLUMN v text",
        "ALTER TABLE platform.log DROP COLUMN v",
    )
    rolled_back("UPDATE platform.log SET v = 'v ' || line")
    owner.execute("ALTER TABLE platform.log ADD COLUMN v text")
    owner.execute("UPDATE platform.log SET v = 'newer' WHERE line = 'b'")
    (restored,) = by_hand(make_flight)
    assert restored.rows == 2
    assert reasons([restored]) == {"no row like it has no value": 1}
    found = owner.execute("SELECT line, v FROM platform.log ORDER BY 1").fetchall()
    assert found == [("a", "v a"), ("a", "v a"), ("b", "newer")]


def test_table_without_key_that_takes_long_is_left_alone(
    bare: Bare, rolled_back: AddAndRollBack, make_flight: MakeFlight, owner, admin
):
    owner.execute("CREATE TABLE platform.log (line text)")
    owner.execute("INSERT INTO platform.log SELECT generate_series(1, 100)")
    bare(
        "ALTER TABLE platform.log ADD COLUMN v text",
        "ALTER TABLE platform.log DROP COLUMN v",
    )
    rolled_back("UPDATE platform.log SET v = 'v ' || line")
    owner.execute("ALTER TABLE platform.log ADD COLUMN v text")
    admin.execute(SLOW_ROWS.replace("platform.users", "platform.log"))
    assert reasons(by_hand(make_flight)) == {TOO_LARGE: 100}


def test_of_two_rollbacks_the_newer_value_counts(
    bare: Bare, rolled_back: AddAndRollBack, make_flight: MakeFlight, owner
):
    """The first set is still open: nothing had put it back."""
    bare(
        "ALTER TABLE platform.users ADD COLUMN v text",
        "ALTER TABLE platform.users DROP COLUMN v",
    )
    rolled_back("UPDATE platform.users SET v = 'older'")
    owner.execute("UPDATE pgflight.saved SET version = '999'")
    rolled_back("UPDATE platform.users SET v = 'newer'")
    owner.execute("UPDATE pgflight.saved SET version = '008'")
    apply_online(make_flight(strategy="online"), quiet)
    values = owner.execute("SELECT DISTINCT v FROM platform.users").fetchall()
    assert values == [("newer",)]


def test_functions_that_a_step_has_made_are_none_of_before(
    fly_online: FlyOnline, make_flight: MakeFlight, ledger: None, dump_schema: Dump
):
    """A later step that grants on them has found them there."""
    before = dump_schema()
    fly_online()
    revert(make_flight(), "test", quiet)
    assert dump_schema() == before
