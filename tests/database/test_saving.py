"""Saving: copied ahead of the transaction, and brought up to date inside it."""

from dataclasses import replace

import psycopg
import pytest

from flows.database.connection import Conn, session
from flows.database.ledger import take_fence
from flows.database.revert import revert
from flows.database.saving import Copy, Unsaved, copy_ahead, lock_table, save
from flows.database.shape import shape_of
from flows.migration.errors import Busy, RollbackFailed
from flows.migration.flight import Flight
from flows.migration.losses import Loss
from flows.migration.report import Saved
from tests.database.conftest import quiet
from tests.fix_flight import MakeFlight

NAME = Loss("platform.users", "display_name")
TEXTS = "SELECT value_texts[1] FROM pgflight.saved_row ORDER BY 1"
SET = "UPDATE platform.users SET display_name = %s WHERE email = %s"

pytestmark = pytest.mark.usefixtures("ledger")


@pytest.fixture
def three(owner: psycopg.Connection) -> None:
    """Three users, by their e-mail addresses."""
    owner.execute("DELETE FROM platform.users")
    owner.execute(
        "INSERT INTO platform.users (email, display_name, password_hash)"
        " SELECT n, 'old ' || n, '!' FROM unnest(ARRAY['a', 'b', 'c']) AS n"
    )


def keep(flight: Flight, copy: Copy) -> Saved | None:
    with session(flight.target, "test") as conn:
        lock_table(conn, copy.loss)
        saved = save(conn, copy, flight.run_id)
        conn.commit()
    return saved


@pytest.mark.usefixtures("three")
def test_copy_is_what_there_was(flight: Flight, owner: psycopg.Connection):
    (copy,) = copy_ahead(flight, [NAME])
    saved = keep(flight, copy)
    assert saved and (saved.table, saved.column, saved.rows) == (
        *("platform.users", "display_name"),
        3,
    )
    assert owner.execute(TEXTS).fetchall() == [("old a",), ("old b",), ("old c",)]


@pytest.mark.usefixtures("three")
def test_what_was_written_since_the_copy_counts(
    flight: Flight, owner: psycopg.Connection
):
    (copy,) = copy_ahead(flight, [NAME])
    owner.execute(SET, ["new b", "b"])
    owner.execute(
        "INSERT INTO platform.users (email, display_name, password_hash)"
        " VALUES ('d', 'new d', '!')"
    )
    saved = keep(flight, copy)
    assert saved and saved.rows == 4
    assert owner.execute(TEXTS).fetchall() == [
        *[("new b",), ("new d",), ("old a",), ("old c",)]
    ]


@pytest.mark.usefixtures("three")
def test_what_was_still_uncommitted_at_the_copy_counts(
    flight: Flight, owner: psycopg.Connection, app: psycopg.Connection
):
    """Its transaction is older than the copy, and ends after it."""
    with app.transaction():
        app.execute(SET, ["new a", "a"])
        (copy,) = copy_ahead(flight, [NAME])
    keep(flight, copy)
    assert ("new a",) in owner.execute(TEXTS).fetchall()
    assert ("old a",) not in owner.execute(TEXTS).fetchall()


@pytest.mark.usefixtures("three")
def test_value_that_was_emptied_since_the_copy_is_not_kept(
    flight: Flight, owner: psycopg.Connection
):
    owner.execute("ALTER TABLE platform.users ALTER display_name DROP NOT NULL")
    (copy,) = copy_ahead(flight, [NAME])
    owner.execute(SET, [None, "c"])
    saved = keep(flight, copy)
    assert saved and saved.rows == 2


def test_copy_that_was_not_kept_is_forgotten_by_the_next(
    flight: Flight, owner: psycopg.Connection
):
    for _ in range(2):
        copy_ahead(flight, [NAME])
    assert owner.execute("SELECT count(*) FROM pgflight.saved").fetchone() == (1,)
    assert owner.execute("SELECT count(*) FROM pgflight.saved_row").fetchone() == (500,)


def test_copy_beside_another_deployer_is_busy(flight: Flight):
    with session(flight.target, "other") as conn:
        take_fence(conn)
        with pytest.raises(Busy):
            copy_ahead(flight, [NAME])


def test_nothing_to_copy_is_nothing(flight: Flight):
    assert copy_ahead(flight, [Loss("platform.users", "no_such")]) == []
    assert copy_ahead(flight, [Loss("platform.no_such")]) == []


def test_copying_keeps_no_writer_waiting(
    flight: Flight, app: psycopg.Connection, owner: psycopg.Connection
):
    """A row that somebody else has locked does not keep the copy waiting either."""
    with app.transaction():
        app.execute("UPDATE platform.users SET display_name = 'x'")
        assert copy_ahead(flight, [NAME])


def test_failed_rollback_keeps_nothing(
    make_flight: MakeFlight, owner: psycopg.Connection, folder
):
    from flows.database.apply import apply

    apply(make_flight(), quiet)
    down = folder / "008_active_org" / "down.sql"
    down.write_text("ALTER TABLE platform.users DROP COLUMN active_org_id")
    with pytest.raises(RollbackFailed):
        revert(make_flight(), "test", quiet)
    kept = "SELECT count(*) FROM pgflight.saved WHERE is_kept"
    assert owner.execute(kept).fetchone() == (0,)


def test_row_that_becomes_like_another_one_costs_neither(
    flight: Flight, owner: psycopg.Connection
):
    """Without a primary key they cannot be told apart."""
    owner.execute("CREATE TABLE platform.log (note text)")
    owner.execute("INSERT INTO platform.log VALUES ('a'), ('b')")
    (copy,) = copy_ahead(flight, [Loss("platform.log")])
    owner.execute("UPDATE platform.log SET note = 'a' WHERE note = 'b'")
    saved = keep(flight, copy)
    texts = owner.execute(TEXTS).fetchall()
    assert texts.count(("a",)) == 2
    assert saved and saved.rows == len(texts)


PARTS = (
    "CREATE TABLE platform.m (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
    "CREATE TABLE platform.m1 PARTITION OF platform.m FOR VALUES FROM (0) TO (10);"
    "CREATE TABLE platform.m2 (id int PRIMARY KEY, v text);"
    "INSERT INTO platform.m VALUES (1, 'a');"
    "INSERT INTO platform.m2 VALUES (11, 'precious')"
)
ATTACH = (
    "ALTER TABLE platform.m ATTACH PARTITION platform.m2 FOR VALUES FROM (10) TO (20)"
)


@pytest.mark.parametrize("column", [None, "v"])
def test_rows_that_were_attached_since_the_copy_are_not_passed_over(
    flight: Flight, owner: psycopg.Connection, column: str | None
):
    """They were written long before it."""
    owner.execute(PARTS.encode())
    (copy,) = copy_ahead(flight, [Loss("platform.m", column)])
    owner.execute(ATTACH.encode())
    with pytest.raises(Unsaved):
        keep(flight, copy)


def test_copy_that_lacks_a_row_is_not_kept(flight: Flight):
    (copy,) = copy_ahead(flight, [Loss("platform.users")])
    with pytest.raises(Unsaved):
        keep(flight, replace(copy, rows=copy.rows - 1))


@pytest.mark.parametrize(
    ("type_", "old", "new"),
    [("numeric", "1.0", "1.00"), ("interval", "1 month", "30 days")],
)
def test_key_that_is_spelt_anew_names_the_same_row(
    flight: Flight, owner: psycopg.Connection, type_: str, old: str, new: str
):
    columns = f"id {type_} PRIMARY KEY, v text"
    owner.execute(f"CREATE TABLE platform.t ({columns})".encode())
    owner.execute("INSERT INTO platform.t VALUES (%s, 'old')", [old])
    (copy,) = copy_ahead(flight, [Loss("platform.t", "v")])
    owner.execute("UPDATE platform.t SET id = %s, v = 'new'", [new])
    saved = keep(flight, copy)
    assert saved and saved.rows == 1
    assert owner.execute(TEXTS).fetchall() == [("new",)]


def test_text_that_equals_another_spelling_is_not_steady(
    conn: Conn, owner: psycopg.Connection, admin: psycopg.Connection
):
    owner.execute('CREATE COLLATION platform.any_case FROM "C"')
    owner.execute("CREATE TABLE platform.t (id text COLLATE platform.any_case)")
    owner.execute("ALTER TABLE platform.t ADD PRIMARY KEY (id)")
    # Not every server is built with ICU, which alone has such collations.
    admin.execute(
        "UPDATE pg_collation SET collisdeterministic = false"
        " WHERE collname = 'any_case'"
    )
    shape = shape_of(conn, Loss("platform.t"))
    assert shape and not shape.is_steady
