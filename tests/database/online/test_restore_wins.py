"""What users chose wins over what a deployment would give their rows."""

from collections.abc import Callable

import psycopg
import pytest

from flows.database.online.apply import apply_online
from flows.database.online.restore import OVERWRITTEN
from flows.database.untouched import CHANGED, MAY_BE_CHOSEN
from flows.demo.world import World
from flows.migration.errors import ApplyFailed
from flows.migration.report import Restored
from tests.database.conftest import Bare
from tests.database.online.conftest import AddAndRollBack, FlyOnline, Pilot
from tests.database.online.test_killed import fly_when_free
from tests.database.test_restore import TRIGGER, reasons
from tests.fix_flight import MakeFlight

FlyAlong = Callable[[str, str], list[Restored]]
ADD = "ALTER TABLE platform.users ADD COLUMN v text;"
DISTINCT = (
    f"{ADD}\nUPDATE platform.users SET v = 'filled' WHERE v IS DISTINCT FROM 'filled';"
)
DEFAULT = "ALTER TABLE platform.users ADD COLUMN v text NOT NULL DEFAULT 'a';"
DROP = "ALTER TABLE platform.users DROP COLUMN v"
ONE = (
    "WHERE id = (SELECT min(id::text)::uuid FROM platform.users"
    " WHERE email LIKE '%1@%')"
)
CHOOSE = "UPDATE platform.users SET v = 'chosen' WHERE email LIKE '%1@%'"


@pytest.fixture
def fly_along(make_flight: MakeFlight, owner: psycopg.Connection) -> FlyAlong:
    """Fly online, and write something when a line was said that begins like that."""

    def fly(line: str, statement: str) -> list[Restored]:
        def say(said: str) -> None:
            if said.startswith(line):
                owner.execute(statement.encode())

        return list(apply_online(make_flight(strategy="online"), say).restored)

    return fly


def values(owner: psycopg.Connection, table: str = "platform.users") -> list[object]:
    statement = " ".join(["SELECT v, count(*) FROM", table, "GROUP BY 1 ORDER BY 1"])
    return list(owner.execute(statement.encode()).fetchall())


def test_backfill_writes_over_nothing_that_was_put_back(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    bare(DISTINCT, DROP)
    rolled_back(CHOOSE)
    (restored,) = fly_online().restored
    assert restored.conflicts == []
    assert values(owner) == [("chosen", 50), ("filled", 450)]


def test_backfill_writes_over_nothing_that_is_newer_than_what_was_saved(
    bare: Bare, rolled_back: AddAndRollBack, fly_along: FlyAlong, owner
):
    bare(DISTINCT, DROP)
    rolled_back(CHOOSE)
    newer = " ".join(["UPDATE platform.users SET v = 'newer'", ONE])
    restored = fly_along("ALTER TABLE", newer)
    assert reasons(restored) == {"another value is there now": 1}
    assert values(owner) == [("chosen", 49), ("filled", 450), ("newer", 1)]


def test_backfill_writes_over_nothing_that_a_trigger_made_of_what_was_saved(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    bare(DISTINCT, DROP)
    touch = "IF NEW.v LIKE ''chosen%'' THEN NEW.v := NEW.v || ''!''; END IF;"
    owner.execute(TRIGGER.format(touch, "UPDATE", "platform.users").encode())
    rolled_back(CHOOSE)
    assert reasons(list(fly_online().restored)) == {CHANGED: 50}
    assert values(owner) == [("chosen!!", 50), ("filled", 450)]


def test_what_a_trigger_made_of_one_column_is_no_user_s_writing(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    """Otherwise the row's other column with a default would be a conflict for that."""
    touch = "NEW.v := NEW.v || ''!''; NEW.w := NEW.w || ''!'';"
    owner.execute(TRIGGER.format(touch, "UPDATE", "platform.users").encode())
    both = "ADD COLUMN w text DEFAULT 'a', ADD"
    bare(DEFAULT.replace("ADD", both), f"{DROP}, DROP w")
    rolled_back(CHOOSE)
    found = [reasons([restored]) for restored in fly_online().restored]
    assert found == [{CHANGED: 50}, {CHANGED: 50}]


def test_what_a_user_makes_of_a_value_that_was_put_back_stays(
    bare: Bare, rolled_back: AddAndRollBack, fly_along: FlyAlong, owner
):
    """Written when all rows are filled, before the last sweep."""
    bare(DISTINCT, DROP)
    rolled_back(CHOOSE)
    newer = " ".join(["UPDATE platform.users SET v = 'newer'", ONE])
    assert reasons(fly_along("UPDATE", newer)) == {}
    assert values(owner) == [("chosen", 49), ("filled", 450), ("newer", 1)]


def test_what_a_user_empties_is_filled(
    bare: Bare, rolled_back: AddAndRollBack, fly_along: FlyAlong, owner
):
    bare(DISTINCT, DROP)
    rolled_back(CHOOSE)
    fly_along("UPDATE", " ".join(["UPDATE platform.users SET v = NULL", ONE]))
    assert values(owner) == [("chosen", 49), ("filled", 451)]


def test_second_column_of_an_update_is_kept_as_well(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    bare(
        "ALTER TABLE platform.users ADD COLUMN a text, ADD COLUMN v text;\n"
        "UPDATE platform.users AS s SET a = 'filled', v = 'filled' WHERE s.a IS NULL;",
        f"{DROP}, DROP COLUMN a",
    )
    rolled_back(CHOOSE.replace("SET", "SET a = NULL,"))
    fly_online()
    assert values(owner) == [("chosen", 50), ("filled", 450)]
    found = owner.execute("SELECT DISTINCT a FROM platform.users").fetchall()
    assert found == [("filled",)]


def test_key_whose_text_depends_on_a_setting(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    owner.execute("CREATE TABLE platform.day (day date, s int, PRIMARY KEY (day, s))")
    owner.execute("INSERT INTO platform.day VALUES ('2024-02-01', 1), ('2024-1-2', 1)")
    text = DISTINCT.replace("platform.users", "platform.day")
    bare(text, DROP.replace("platform.users", "platform.day"))
    rolled_back("UPDATE platform.day SET v = 'chosen' WHERE day = '2024-02-01'")
    owner.execute("ALTER ROLE platform_owner SET DateStyle = 'SQL, DMY'")
    try:
        fly_online()
    finally:
        owner.execute("ALTER ROLE platform_owner RESET ALL")
    assert values(owner, "platform.day") == [("chosen", 1), ("filled", 1)]


def test_key_that_is_renamed_before_the_backfill(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    """Nothing tells the rows apart any more: so nothing is written over."""
    owner.execute("CREATE TABLE platform.k AS SELECT generate_series(1, 3) AS id")
    owner.execute("ALTER TABLE platform.k ADD PRIMARY KEY (id)")
    bare(ADD.replace("users", "k"), DROP.replace("users", "k"))
    rolled_back("UPDATE platform.k SET v = 'chosen' WHERE id = 1")
    add, update = DISTINCT.replace("users", "k").split("\n")
    bare(f"{add} ALTER TABLE platform.k RENAME COLUMN id TO n; {update}")
    with pytest.raises(ApplyFailed, match="the table's key was renamed"):
        fly_online()


def test_without_a_key_it_stays_saved_and_is_said(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    owner.execute("CREATE TABLE platform.log AS SELECT generate_series(1, 3) AS n")
    text = DISTINCT.replace("platform.users", "platform.log")
    bare(text, DROP.replace("platform.users", "platform.log"))
    rolled_back("UPDATE platform.log SET v = 'chosen' WHERE n = 1")
    assert reasons(list(fly_online().restored)) == {OVERWRITTEN: 3}


def test_column_that_is_not_made_any_more_is_said(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline
):
    bare(ADD, DROP)
    rolled_back(CHOOSE)
    bare(ADD.replace(" v ", " w "), DROP.replace(" v", " w"))
    found = reasons(list(fly_online().restored))
    assert found == {"platform.users.v is not there": 50}


@pytest.mark.parametrize(("kill_after", "last"), [(1, "ALTER TABLE"), (2, "UPDATE")])
def test_run_that_goes_on_knows_what_was_put_back(
    bare: Bare,
    rolled_back: AddAndRollBack,
    pilot: Pilot,
    fly_online: FlyOnline,
    owner,
    kill_after: int,
    last: str,
):
    """Also by itself: killed before the values are back, or when rows are filled."""
    bare(DISTINCT, DROP)
    rolled_back(CHOOSE)
    said, _ = pilot(kill_after).communicate(timeout=60)
    assert said.splitlines()[-1].startswith(last)
    fly_when_free(fly_online)
    assert values(owner) == [("chosen", 50), ("filled", 450)]


def test_default_gives_way_to_what_was_saved(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    bare(DEFAULT, DROP)
    rolled_back(CHOOSE)
    (restored,) = fly_online().restored
    assert (restored.rows, restored.conflicts) == (500, [])
    assert values(owner) == [("a", 450), ("chosen", 50)]


def test_null_in_place_of_a_default_is_a_choice(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    bare(DEFAULT.replace(" NOT NULL", ""), DROP)
    rolled_back(CHOOSE.replace("'chosen'", "NULL"))
    fly_online()
    assert values(owner) == [("a", 450), (None, 50)]


def test_null_is_no_choice_where_there_will_be_none(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    """A later step makes the column NOT NULL, and must not fail on it."""
    nullable = DEFAULT.replace(" NOT NULL", "")
    bare(nullable, DROP)
    rolled_back(CHOOSE.replace("'chosen'", "NULL"))
    bare(f"{nullable}\nALTER TABLE platform.users ALTER COLUMN v SET NOT NULL;", DROP)
    restored = list(fly_online().restored)
    assert reasons(restored) == {"the column must have a value now": 50}
    assert values(owner) == [("a", 500)]


def test_row_that_a_user_has_written_since_is_left_alone(
    bare: Bare, rolled_back: AddAndRollBack, fly_along: FlyAlong, owner
):
    """To another column, perhaps: nobody knows, so it is said."""
    bare(DEFAULT, DROP)
    rolled_back(CHOOSE)
    renamed = " ".join(["UPDATE platform.users SET display_name = 'new'", ONE])
    assert reasons(fly_along("ALTER TABLE", renamed)) == {MAY_BE_CHOSEN: 1}
    assert values(owner) == [("a", 451), ("chosen", 49)]


def test_transaction_that_is_older_than_the_column_is_a_user_too(
    bare: Bare,
    rolled_back: AddAndRollBack,
    make_flight: MakeFlight,
    owner,
    world: World,
):
    bare(DEFAULT, DROP)
    rolled_back(CHOOSE)
    newer = " ".join(["UPDATE platform.users SET v = 'newer'", ONE])
    with psycopg.connect(world.owner_url) as older:
        older.execute("CREATE TABLE platform.makes_it_have_an_xid ()")

        def say(line: str) -> None:
            if line.startswith("ALTER TABLE"):
                older.execute(newer.encode())
                older.commit()

        restored = apply_online(make_flight(strategy="online"), say).restored
    assert reasons(list(restored)) == {MAY_BE_CHOSEN: 1}
    assert values(owner) == [("a", 450), ("chosen", 49), ("newer", 1)]


def test_two_columns_with_defaults(
    bare: Bare, rolled_back: AddAndRollBack, fly_along: FlyAlong, owner
):
    """Who has put back the one has written to the row, and is no user."""
    bare(
        "ALTER TABLE platform.users ADD COLUMN v text DEFAULT 'a',"
        " ADD COLUMN w text DEFAULT 'b', ADD COLUMN x text;",
        f"{DROP}, DROP COLUMN w, DROP COLUMN x",
    )
    rolled_back(CHOOSE.replace("SET", "SET w = 'too', x = 'x',"))
    newer = " ".join(["UPDATE platform.users SET v = 'a', w = 'b'", ONE])
    restored = fly_along("ALTER TABLE", newer)
    assert [reasons([one]) for one in restored] == [{MAY_BE_CHOSEN: 1}] * 2 + [{}]
    found = owner.execute(
        "SELECT v, w, x, count(*) FROM platform.users GROUP BY 1, 2, 3 ORDER BY 1, 3"
    ).fetchall()
    assert found == [
        ("a", "b", "x", 1),
        ("a", "b", None, 450),
        ("chosen", "too", "x", 49),
    ]


def test_of_two_rollbacks_the_newer_value_counts_beside_a_default(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    two = DEFAULT.replace(";", ", ADD COLUMN w text DEFAULT 'b';")
    bare(two, f"{DROP}, DROP COLUMN w")
    rolled_back("UPDATE platform.users SET v = 'older', w = 'older'")
    owner.execute("UPDATE pgflight.saved SET version = '999'")
    rolled_back("UPDATE platform.users SET v = 'newer', w = 'newer'")
    owner.execute("UPDATE pgflight.saved SET version = '008'")
    fly_online()
    found = owner.execute("SELECT DISTINCT v, w FROM platform.users").fetchall()
    assert found == [("newer", "newer")]


def test_default_gives_way_after_a_kill(
    bare: Bare, rolled_back: AddAndRollBack, pilot: Pilot, fly_online: FlyOnline, owner
):
    """Killed when the column is there, and nothing is put back yet."""
    bare(DEFAULT, DROP)
    rolled_back(CHOOSE)
    process = pilot(1)
    said, _ = process.communicate(timeout=60)
    assert said.startswith("ALTER TABLE")
    (restored,) = fly_when_free(fly_online).restored
    assert restored.conflicts == []
    assert values(owner) == [("a", 450), ("chosen", 50)]


def test_default_of_a_partitioned_table_and_without_a_key(
    bare: Bare, rolled_back: AddAndRollBack, fly_online: FlyOnline, owner
):
    owner.execute(
        "CREATE TABLE platform.log (n int) PARTITION BY RANGE (n);"
        "CREATE TABLE platform.log_1 PARTITION OF platform.log"
        " FOR VALUES FROM (0) TO (9);"
        "CREATE TABLE platform.log_2 PARTITION OF platform.log DEFAULT;"
        "INSERT INTO platform.log SELECT generate_series(1, 20)"
    )
    bare(
        DEFAULT.replace("platform.users", "platform.log"),
        DROP.replace("platform.users", "platform.log"),
    )
    rolled_back("UPDATE platform.log SET v = 'chosen' WHERE n IN (1, 15)")
    (restored,) = fly_online().restored
    assert restored.conflicts == []
    assert values(owner, "platform.log") == [("a", 18), ("chosen", 2)]
