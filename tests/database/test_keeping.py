"""The net under a rollback: whatever it loses, by whatever way, is saved."""

from collections.abc import Callable

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.connection import one, session
from flows.database.keeping import keep_and_do
from flows.database.online.apply import apply_online
from flows.database.revert import revert
from flows.database.saving import Copy, lock_table, save
from flows.database.verify import record_verified
from flows.migration.errors import RollbackFailed
from flows.migration.losses import Loss
from flows.migration.report import Saved
from tests.database.conftest import Bare, quiet
from tests.database.test_restore import back_and_forth as back_and_forth
from tests.database.test_restore import deploy_once as deploy_once
from tests.database.test_restore import reasons
from tests.database.test_saving import ATTACH, PARTS
from tests.fix_flight import MakeFlight

There = Callable[..., list[Saved]]


@pytest.fixture
def there_and_back(make_flight: MakeFlight, bare: Bare, owner) -> There:
    """Deploy, write as a user would, roll back; what the rollback reports as saved."""

    def go(up: str, down: str, since: str = "SELECT") -> list[Saved]:
        bare(up, down)
        flight = make_flight()
        apply(flight, quiet)
        record_verified(flight, "test")
        owner.execute(since.encode())
        return list(revert(make_flight(), "test", quiet).result.saved)

    return go


@pytest.fixture
def kept(owner: psycopg.Connection) -> Callable[[], list[tuple[str, str]]]:
    """Each saved row as its table and the text of its values."""

    def read() -> list[tuple[str, str]]:
        rows = owner.execute(
            "SELECT s.relation, array_to_string(r.value_texts, ' ', 'NULL')"
            " FROM pgflight.saved AS s"
            " JOIN pgflight.saved_row AS r ON r.saved_id = s.id"
            " WHERE s.is_kept ORDER BY 1, 2"
        )
        return [(row[0], row[1]) for row in rows]

    return read


T = "CREATE TABLE platform.t (id int PRIMARY KEY, v text)"
SEED = "INSERT INTO platform.t VALUES (0, 'seed')"
PRECIOUS = "INSERT INTO platform.t VALUES (1, 'precious')"


@pytest.mark.parametrize(
    "down",
    [
        "SET LOCAL search_path = platform; DROP TABLE t",
        "ALTER TABLE platform.t RENAME TO gone; DROP TABLE platform.gone",
        "ALTER TABLE platform.t SET SCHEMA public; DROP TABLE public.t",
        "DO $$ BEGIN DROP TABLE platform.t; END $$",
        "DO $$ BEGIN EXECUTE 'DROP TABLE platform.' || 't'; END $$",
        "DROP TABLE platform.t",
    ],
)
def test_table_is_saved_however_it_is_dropped(
    there_and_back: There, kept, admin, down: str
):
    admin.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    (saved,) = there_and_back(T, down, PRECIOUS)
    assert kept() == [("platform.t", "1 precious")]
    assert (saved.table, saved.rows) == ("platform.t", 1)


@pytest.mark.parametrize(
    "down",
    [
        "SET LOCAL search_path = platform; ALTER TABLE t DROP COLUMN v",
        "ALTER TABLE platform.t RENAME v TO w; ALTER TABLE platform.t DROP COLUMN w",
        "DO $$ BEGIN ALTER TABLE platform.t DROP COLUMN v; END $$",
    ],
)
def test_column_is_saved_however_it_is_dropped(
    there_and_back: There, kept, owner, down: str
):
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY)")
    there_and_back("ALTER TABLE platform.t ADD v text", down, PRECIOUS)
    assert kept() == [("platform.t", "precious")]


@pytest.mark.parametrize(
    "down",
    [
        "DO $$ BEGIN DELETE FROM platform.t WHERE id = 1; END $$",
        "DO $$ BEGIN TRUNCATE platform.t; END $$",
        "DO $$ BEGIN TRUNCATE platform.t; ALTER TABLE platform.t ALTER v TYPE int"
        " USING 1; ALTER TABLE platform.t ALTER v TYPE text; END $$",
        "SELECT platform.clear()",
        "CALL platform.clear_too()",
        "WITH d AS (DELETE FROM platform.t WHERE id = 1 RETURNING *) SELECT * FROM d",
        "SET LOCAL search_path = platform; DELETE FROM t AS x WHERE x.id = 1 -- so",
        "DELETE FROM platform.t USING platform.u WHERE u.id = t.id",
        "DELETE FROM platform.t",
        "TRUNCATE platform.t",
    ],
)
def test_rows_are_saved_however_they_are_deleted(
    there_and_back: There, kept, owner, down: str
):
    owner.execute(
        T.encode() + b"; CREATE TABLE platform.u AS SELECT 1 AS id;"
        b"CREATE FUNCTION platform.clear() RETURNS void LANGUAGE sql"
        b" AS 'DELETE FROM platform.t';"
        b"CREATE PROCEDURE platform.clear_too() LANGUAGE plpgsql"
        b" AS 'BEGIN DELETE FROM platform.t; END'"
    )
    there_and_back("SELECT 1", down, PRECIOUS)
    assert kept() == [("platform.t", "1 precious")]
    assert owner.execute("SELECT FROM platform.t").fetchall() == []


CHILDREN = (
    "CREATE TABLE platform.t (id int PRIMARY KEY);"
    "CREATE TABLE platform.sub (id int PRIMARY KEY, v text,"
    " t_id int REFERENCES platform.t ON DELETE CASCADE);"
    "CREATE TABLE platform.subsub (id int PRIMARY KEY, sub_id int"
    " REFERENCES platform.sub ON DELETE SET NULL)"
)


def test_what_foreign_keys_change_is_saved(there_and_back: There, kept, owner):
    owner.execute(CHILDREN)
    there_and_back(
        "INSERT INTO platform.t VALUES (7)",
        "DELETE FROM platform.t WHERE id = 7",
        "INSERT INTO platform.t VALUES (8);"
        "INSERT INTO platform.sub VALUES (1, 'precious', 7), (2, 'left', 8);"
        "INSERT INTO platform.subsub VALUES (1, 1), (2, 2)",
    )
    assert kept() == [
        ("platform.sub", "1 precious 7"),
        ("platform.subsub", "1 1"),
        ("platform.t", "7"),
    ]


def test_what_a_trigger_deletes_is_saved(there_and_back: There, kept, owner):
    """Also one that is deferred to the COMMIT."""
    owner.execute(
        T.encode() + b"; CREATE TABLE platform.u (id int PRIMARY KEY);"
        b"CREATE FUNCTION platform.also() RETURNS trigger LANGUAGE plpgsql"
        b" AS 'BEGIN DELETE FROM platform.t; RETURN NULL; END';"
        b"CREATE CONSTRAINT TRIGGER also AFTER DELETE ON platform.u"
        b" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION platform.also()"
    )
    there_and_back(
        "INSERT INTO platform.u VALUES (1)",
        "DELETE FROM platform.u WHERE id = 1",
        PRECIOUS,
    )
    assert ("platform.t", "1 precious") in kept()


@pytest.mark.parametrize(
    "down",
    [
        "UPDATE platform.t SET v = 'a' WHERE id = 1",
        "DO $$ BEGIN UPDATE platform.t SET v = 'a' WHERE id = 1; END $$",
        "INSERT INTO platform.t VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET v = 'a'",
        "MERGE INTO platform.t USING (VALUES (1)) AS s (id) ON t.id = s.id"
        " WHEN MATCHED THEN UPDATE SET v = 'a'",
        "TRUNCATE platform.t; INSERT INTO platform.t VALUES (1, 'a'), (2, 'b')",
        "DELETE FROM platform.t WHERE id = 1; INSERT INTO platform.t VALUES (1, 'a')",
    ],
)
def test_what_is_overwritten_is_saved(there_and_back: There, kept, owner, down: str):
    owner.execute(T.encode() + b"; INSERT INTO platform.t VALUES (1, 'a'), (2, 'b')")
    there_and_back(
        "UPDATE platform.t SET v = 'x' WHERE id = 1",
        down,
        "UPDATE platform.t SET v = 'chosen' WHERE id = 1",
    )
    assert kept() == [("platform.t", "1 chosen")]
    assert owner.execute("TABLE platform.t ORDER BY id").fetchall() == [
        (1, "a"),
        (2, "b"),
    ]


def test_dropped_field_of_a_type_is_saved(there_and_back: There, kept, owner):
    owner.execute(
        "CREATE TYPE platform.pair AS (a int);"
        "CREATE TABLE platform.t (id int PRIMARY KEY, v platform.pair)"
    )
    there_and_back(
        "ALTER TYPE platform.pair ADD ATTRIBUTE b text",
        "ALTER TYPE platform.pair DROP ATTRIBUTE b",
        "INSERT INTO platform.t VALUES (1, ROW(7, 'precious'))",
    )
    assert kept() == [("platform.t", "(7,precious)")]


def test_large_objects_stop_the_rollback(there_and_back: There, owner):
    made = owner.execute("SELECT lo_from_bytea(0, 'precious')").fetchone()
    assert made
    with pytest.raises(RollbackFailed, match="large objects, which are not saved"):
        there_and_back("SELECT 1", f"SELECT lo_unlink({made[0]})")
    content = owner.execute("SELECT lo_get(%s)", made).fetchone()
    assert content == (b"precious",)


@pytest.mark.parametrize(
    "down",
    [
        "ALTER TABLE platform.t ALTER v TYPE int",
        "DO $$ BEGIN ALTER TABLE platform.t ALTER v TYPE int; END $$",
    ],
)
def test_what_another_type_cuts_off_is_saved(
    there_and_back: There, kept, owner, down: str
):
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY, v int)")
    there_and_back(
        "ALTER TABLE platform.t ALTER v TYPE numeric",
        down,
        "INSERT INTO platform.t VALUES (1, 12.49), (2, 12)",
    )
    assert kept() == [("platform.t", "12.49")]


NARROWER = (
    "ALTER TABLE platform.t ALTER v TYPE varchar(9)",
    "ALTER TABLE platform.t ALTER v TYPE varchar(4) USING left(v, 4)",
)
RENAMED = (
    "ALTER TABLE platform.t RENAME v TO w; ALTER TABLE platform.t ALTER w"
    " TYPE varchar(9)",
    "ALTER TABLE platform.t ALTER w TYPE varchar(4) USING left(w, 4);"
    " ALTER TABLE platform.t RENAME w TO v",
)


@pytest.mark.parametrize(
    ("up", "down", "cut"),
    [
        (*NARROWER, "UPDATE platform.t SET v = '34567' WHERE id = 3"),
        (*RENAMED, "UPDATE platform.t SET w = '34567' WHERE id = 3"),
    ],
)
def test_value_that_stood_all_the_time_and_is_cleared_stays_cleared(
    there_and_back: There, make_flight: MakeFlight, owner, up: str, down: str, cut: str
):
    """Nor does the whole of one of which down.sql has left a part."""
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY, v varchar(4))")
    owner.execute("INSERT INTO platform.t VALUES (1, '111'), (2, '222'), (3, '333')")
    there_and_back(up, down, cut)
    owner.execute("UPDATE platform.t SET v = NULL WHERE id <> 2")
    restored = list(apply(make_flight(), quiet).restored)
    assert reasons(restored) == {"another value is there now": 1}
    found = owner.execute("TABLE platform.t ORDER BY id").fetchall()
    assert found == [(1, None), (2, "222"), (3, None)]


def test_value_that_stands_without_a_key_is_not_saved(
    there_and_back: There, kept, owner
):
    owner.execute("CREATE TABLE platform.t (n int, v varchar(4))")
    owner.execute("INSERT INTO platform.t VALUES (1, 'a'), (1, 'a'), (2, 'b')")
    there_and_back(*NARROWER, "UPDATE platform.t SET v = 'longer' WHERE v = 'b'")
    assert kept() == [("platform.t", "longer")]


def test_value_that_down_has_cleared_comes_back(
    there_and_back: There, make_flight: MakeFlight, owner
):
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY, v int)")
    down = "ALTER TABLE platform.t ALTER v TYPE int USING NULL"
    there_and_back("ALTER TABLE platform.t ALTER v TYPE text", down, PRECIOUS)
    (restored,) = apply(make_flight(), quiet).restored
    assert (restored.rows, restored.conflicts) == (1, [])
    assert owner.execute("TABLE platform.t").fetchall() == [(1, "precious")]


def test_older_column_of_the_same_name_is_not_the_same(
    there_and_back: There, kept, owner
):
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY, v text)")
    there_and_back(
        "ALTER TABLE platform.t RENAME v TO old; ALTER TABLE platform.t ADD v text",
        "ALTER TABLE platform.t DROP v; ALTER TABLE platform.t RENAME old TO v",
        "INSERT INTO platform.t (id, old, v) VALUES (1, 'same', 'same')",
    )
    assert kept() == [("platform.t", "same")]


def test_rows_of_an_emptied_table_that_is_altered_too_are_saved(
    there_and_back: There, kept, owner
):
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY, v int)")
    there_and_back(
        "ALTER TABLE platform.t ALTER v TYPE numeric",
        "DO $$ BEGIN TRUNCATE platform.t; ALTER TABLE platform.t ALTER v TYPE int;"
        " END $$",
        "INSERT INTO platform.t VALUES (1, 12.49)",
    )
    assert ("platform.t", "1 12.49") in kept()


SWAP = (
    "ALTER TABLE platform.acc RENAME TO acc_old;"
    "ALTER TABLE platform.acc_old RENAME CONSTRAINT acc_pkey TO acc_old_pkey;"
    "CREATE TABLE platform.acc (id int PRIMARY KEY, balance int, note text);"
    "INSERT INTO platform.acc SELECT * FROM platform.acc_old"
)
SWAP_BACK = (
    "DROP TABLE platform.acc;"
    "ALTER TABLE platform.acc_old RENAME CONSTRAINT acc_old_pkey TO acc_pkey;"
    "ALTER TABLE platform.acc_old RENAME TO acc"
)


def test_older_row_with_the_same_key_is_not_the_same_row(
    there_and_back: There, kept, owner
):
    owner.execute(
        "CREATE TABLE platform.acc (id int PRIMARY KEY, balance int);"
        "INSERT INTO platform.acc VALUES (1, 10), (2, 20), (3, 30)"
    )
    there_and_back(
        SWAP,
        SWAP_BACK,
        "UPDATE platform.acc SET balance = 999 WHERE id = 1;"
        "UPDATE platform.acc SET note = 'n' WHERE id = 2",
    )
    assert kept() == [("platform.acc", "1 999 NULL"), ("platform.acc", "2 20 n")]


def test_column_that_is_dropped_beside_deleted_rows_is_saved_apart(
    there_and_back: There, kept, owner
):
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY)")
    there_and_back(
        "ALTER TABLE platform.t ADD v text",
        "WITH d AS (DELETE FROM platform.t WHERE id = 2 RETURNING id) SELECT FROM d;"
        "ALTER TABLE platform.t DROP v",
        PRECIOUS + ", (2, 'gone')",
    )
    assert kept() == [
        ("platform.t", "2 gone"),
        ("platform.t", "gone"),
        ("platform.t", "precious"),
    ]


def test_partition_s_rows_are_saved(there_and_back: There, kept, owner):
    owner.execute(
        "CREATE TABLE platform.p (n int PRIMARY KEY) PARTITION BY RANGE (n);"
        "CREATE TABLE platform.p1 PARTITION OF platform.p DEFAULT;"
        "INSERT INTO platform.p VALUES (1), (2)"
    )
    there_and_back("SELECT 1", "DELETE FROM platform.p WHERE n = 2")
    assert kept() == [("platform.p", "2")]


HEIRS = (
    "CREATE TABLE platform.ev (id int PRIMARY KEY, kind text);"
    "CREATE TABLE platform.click (url text) INHERITS (platform.ev);"
    "INSERT INTO platform.ev VALUES (1, 'x');"
    "INSERT INTO platform.click VALUES (1, 'x', 'precious')"
)


@pytest.mark.parametrize(
    "down",
    [
        "DELETE FROM platform.ev WHERE kind = 'x'",
        "DELETE FROM platform.ev",
        "TRUNCATE platform.ev",
        "DO $$ BEGIN DELETE FROM ONLY platform.ev; END $$",
    ],
)
def test_rows_of_a_table_that_inherits_are_back(
    bare: Bare, back_and_forth, owner, down: str
):
    """With the columns that only they have, although they share a key."""
    owner.execute(HEIRS.encode())
    bare("SELECT 1", down)
    assert reasons(back_and_forth()) == {}
    assert owner.execute("TABLE platform.click").fetchall() == [(1, "x", "precious")]
    own = owner.execute("SELECT * FROM ONLY platform.ev").fetchall()
    assert own == [(1, "x")]


def test_column_of_tables_that_share_a_key_is_back_in_each(
    bare: Bare, back_and_forth, owner
):
    owner.execute(HEIRS.encode())
    bare(
        "ALTER TABLE platform.ev ADD COLUMN v text",
        "ALTER TABLE platform.ev DROP COLUMN v",
    )
    restored = back_and_forth(
        "UPDATE ONLY platform.ev SET v = 'a'; UPDATE platform.click SET v = 'b'"
    )
    assert reasons(restored) == {}
    found = owner.execute("SELECT tableoid::regclass::text, v FROM platform.ev")
    assert sorted(found) == [("platform.click", "b"), ("platform.ev", "a")]


def test_partition_that_is_attached_meanwhile_is_copied_too(
    make_flight: MakeFlight, bare: Bare, owner, kept
):
    """Rows that were written before the copy, and were then in another table."""
    owner.execute(PARTS.encode())
    bare("SELECT 1", "TRUNCATE platform.m")
    flight = make_flight()
    apply(flight, quiet)
    record_verified(flight, "test")
    said: list[str] = []

    def copied(copies: list[Copy]) -> int:
        if not said:
            owner.execute(ATTACH.encode())
        with session(flight.target, "test") as conn:
            lock_table(conn, copies[0].loss)
            saved = save(conn, copies[0], flight.run_id)
            conn.commit()
        return saved.rows if saved else 0

    lost = [Loss("platform.m")]
    assert keep_and_do(flight, lost, copied, said.append) == 2
    assert kept() == [("platform.m", "1 a"), ("platform.m", "11 precious")]


LEGACY = (
    "CREATE TABLE platform.old (name text);"
    "INSERT INTO platform.old VALUES ('ann'), ('bob')"
)
NUMBER = "ALTER TABLE platform.old ADD id serial PRIMARY KEY; "
WRITE = (
    "UPDATE platform.old SET email = name || '@x';"
    "UPDATE platform.old SET name = name WHERE name = 'ann'"
)
"""The rows are in another order now, and numbered in that."""


@pytest.mark.parametrize(
    "down",
    [
        "ALTER TABLE platform.old DROP email; ALTER TABLE platform.old DROP id",
        "DO $$ BEGIN ALTER TABLE platform.old DROP email, DROP id; END $$",
    ],
)
def test_key_that_is_dropped_too_names_no_row(
    bare: Bare, back_and_forth, owner, down: str
):
    owner.execute(LEGACY.encode())
    bare(NUMBER + "ALTER TABLE platform.old ADD email text", down)
    back_and_forth(WRITE)
    found = owner.execute("SELECT name, email FROM platform.old ORDER BY name")
    assert found.fetchall() == [("ann", "ann@x"), ("bob", "bob@x")]


def test_column_that_was_added_to_the_key_is_back(bare: Bare, back_and_forth, owner):
    owner.execute("CREATE TABLE platform.t (id int CONSTRAINT k PRIMARY KEY)")
    owner.execute("INSERT INTO platform.t VALUES (1), (2)")
    bare(
        "ALTER TABLE platform.t ADD tenant int NOT NULL DEFAULT 0, DROP CONSTRAINT k,"
        " ADD CONSTRAINT k PRIMARY KEY (tenant, id)",
        "ALTER TABLE platform.t DROP tenant, ADD CONSTRAINT k PRIMARY KEY (id)",
    )
    restored = back_and_forth("UPDATE platform.t SET tenant = 7 WHERE id = 1")
    assert reasons(restored) == {}
    found = owner.execute("SELECT id, tenant FROM platform.t ORDER BY id").fetchall()
    assert found == [(1, 7), (2, 0)]


@pytest.mark.parametrize(
    ("note", "down"),
    [
        ("CREATE TABLE platform.note (old_id int REFERENCES platform.old)", "DROP"),
        ("ALTER TABLE platform.old ADD old_id int REFERENCES platform.old", "ALTER"),
        ("CREATE TABLE platform.note (old_id int REFERENCES platform.old)", "DELETE"),
    ],
)
def test_rows_that_are_named_by_a_dropped_key_stop_the_rollback(
    there_and_back: There, owner, note: str, down: str
):
    """Numbered anew, other rows would be named."""
    owner.execute(LEGACY.encode())
    first = {
        "DROP": "DROP TABLE platform.note; ",
        "ALTER": "ALTER TABLE platform.old DROP old_id; ",
        "DELETE": "DELETE FROM platform.note WHERE old_id = 1; "
        "ALTER TABLE platform.note DROP CONSTRAINT note_old_id_fkey; ",
    }[down]
    with pytest.raises(RollbackFailed, match=r"by which platform\.\w+ names its rows"):
        there_and_back(NUMBER + note, first + "ALTER TABLE platform.old DROP id")
    assert owner.execute("SELECT max(id) FROM platform.old").fetchone() == (2,)


def test_column_that_names_no_row_is_saved_beside_a_dropped_key(
    there_and_back: There, kept, owner
):
    owner.execute(LEGACY.encode())
    owner.execute("CREATE TABLE platform.note (id int PRIMARY KEY, old_id int)")
    there_and_back(
        NUMBER + "ALTER TABLE platform.note ADD v text,"
        " ADD CONSTRAINT names FOREIGN KEY (old_id) REFERENCES platform.old",
        "ALTER TABLE platform.note DROP v, DROP CONSTRAINT names;"
        "ALTER TABLE platform.old DROP id",
        "INSERT INTO platform.note VALUES (1, 1, 'precious')",
    )
    assert ("platform.note", "precious") in kept()


def test_key_of_another_type_names_its_rows_still(
    there_and_back: There, owner: psycopg.Connection
):
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY)")
    there_and_back(
        "ALTER TABLE platform.t ALTER id TYPE bigint, ADD v text",
        "ALTER TABLE platform.t DROP v, ALTER id TYPE int",
        PRECIOUS,
    )
    has_key = owner.execute(
        "SELECT bool_and(has_key) FROM pgflight.saved WHERE is_kept"
    )
    assert has_key.fetchone() == (True,)


def test_row_that_is_left_is_known_in_any_search_path(
    there_and_back: There, kept, owner
):
    """Also where its key's type is written in another way."""
    owner.execute(
        "CREATE TYPE platform.colour AS ENUM ('red', 'blue');"
        "CREATE TABLE platform.t (id platform.colour PRIMARY KEY, v int)"
    )
    there_and_back(
        "SELECT 1",
        "SET LOCAL search_path = platform; DELETE FROM t WHERE id = 'red'",
        "INSERT INTO platform.t VALUES ('red', 1), ('blue', 2)",
    )
    assert kept() == [("platform.t", "red 1")]


def test_what_is_restored_of_an_overwritten_row_is_a_conflict(
    bare: Bare, back_and_forth, owner
):
    owner.execute(T.encode() + b"; INSERT INTO platform.t VALUES (1, 'a')")
    bare(
        "UPDATE platform.t SET v = 'b' WHERE id = 1",
        "UPDATE platform.t SET v = 'a' WHERE id = 1",
    )
    restored = back_and_forth("UPDATE platform.t SET v = 'chosen'")
    assert reasons(restored) == {"another row has its key now": 1}


@pytest.mark.parametrize("is_online", [False, True])
def test_overwritten_row_that_its_user_deletes_stays_deleted(
    there_and_back: There, make_flight: MakeFlight, owner, is_online: bool
):
    """One that down.sql has deleted comes back."""
    owner.execute(T.encode() + b"; INSERT INTO platform.t VALUES (1, 'a'), (2, 'a')")
    there_and_back(
        "UPDATE platform.t SET v = 'b' WHERE v IS DISTINCT FROM 'b' AND id < 3",
        "DO $$ BEGIN DELETE FROM platform.t WHERE id > 2;"
        " UPDATE platform.t SET v = 'a' WHERE v = 'b'; END $$",
        "INSERT INTO platform.t VALUES (3, 'since')",
    )
    owner.execute("DELETE FROM platform.t WHERE id = 1")
    again = make_flight(strategy="online") if is_online else make_flight()
    restored = list((apply_online if is_online else apply)(again, quiet).restored)
    assert reasons(restored) == {"the row is gone": 1}
    assert owner.execute("TABLE platform.t ORDER BY id").fetchall() == [
        (2, "b"),
        (3, "since"),
    ]


def test_overwritten_row_without_a_key_stops_the_rollback(there_and_back: There, owner):
    """Put back later it would be there twice."""
    owner.execute("CREATE TABLE platform.t (v text)")
    with pytest.raises(RollbackFailed, match=r"platform\.t, which has no primary key"):
        there_and_back(
            "SELECT 1",
            "UPDATE platform.t SET v = 'a' WHERE v = 'precious'",
            "INSERT INTO platform.t VALUES ('precious')",
        )
    assert owner.execute("TABLE platform.t").fetchall() == [("precious",)]


def test_what_may_be_lost_is_not_saved(
    make_flight: MakeFlight, bare: Bare, folder, owner, kept
):
    owner.execute("CREATE TABLE platform.t (v text)")
    bare("SELECT 1", "UPDATE platform.t SET v = 'a' WHERE v = 'cache'")
    (folder / "008_active_org" / "migration.toml").write_text(
        '[[allow]]\nwhat = "lose-rows"\nname = "platform.t"\nreason = "a cache"\n'
    )
    flight = make_flight()
    apply(flight, quiet)
    owner.execute("INSERT INTO platform.t VALUES ('cache')")
    said: list[str] = []
    revert(make_flight(), "test", said.append)
    assert kept() == []
    assert any("migration.toml allows: rows of platform.t" in line for line in said)


def test_included_column_names_no_row(bare: Bare, back_and_forth, owner):
    owner.execute(
        "CREATE TABLE platform.t (id int, name text, PRIMARY KEY (id) INCLUDE (name));"
        "INSERT INTO platform.t VALUES (1, NULL), (2, 'x')"
    )
    bare(
        "ALTER TABLE platform.t ADD COLUMN c text",
        "ALTER TABLE platform.t DROP COLUMN c",
    )
    restored = back_and_forth(
        "UPDATE platform.t SET c = 'v' || id",
        "UPDATE platform.t SET name = 'y' WHERE id = 2",
    )
    assert reasons(restored) == {}
    assert owner.execute("SELECT id, c FROM platform.t ORDER BY id").fetchall() == [
        (1, "v1"),
        (2, "v2"),
    ]


def test_included_column_is_no_part_of_what_is_referenced(conn, owner):
    owner.execute(
        "CREATE TABLE platform.t (a int, id int, PRIMARY KEY (id) INCLUDE (a))"
    )
    (oid,) = owner.execute("SELECT 'platform.t'::regclass::oid").fetchone()
    assert one(conn, "select_key_columns", oid=oid)["columns"] == ["id"]


@pytest.mark.parametrize("key", ["", " PRIMARY KEY"])
def test_columns_of_two_collations_are_saved(
    there_and_back: There, kept, owner, key: str
):
    columns = f'a text COLLATE "C"{key}, b text COLLATE "POSIX"'
    owner.execute(f"CREATE TABLE platform.t ({columns})".encode())
    owner.execute("INSERT INTO platform.t VALUES ('left', 'left')")
    there_and_back(
        "SELECT 1",
        "DO $$ BEGIN DELETE FROM platform.t WHERE a = 'x'; END $$",
        "INSERT INTO platform.t VALUES ('x', 'y')",
    )
    assert kept() == [("platform.t", "x y")]


@pytest.mark.parametrize("is_online", [False, True])
def test_sequence_goes_on_where_it_had_come(
    bare: Bare, make_flight: MakeFlight, owner, is_online: bool
):
    bare("CREATE SEQUENCE platform.number", "DROP SEQUENCE platform.number")
    flight = make_flight()
    apply(flight, quiet)
    record_verified(flight, "test")
    number = b"SELECT nextval('platform.number')"
    owner.execute(number)
    owner.execute(number)
    revert(make_flight(), "test", quiet)
    again = make_flight(strategy="online") if is_online else make_flight()
    (restored,) = (apply_online if is_online else apply)(again, quiet).restored
    assert restored.name == "platform.number.last_value" and not restored.conflicts
    assert owner.execute(number).fetchone() == (3,)


@pytest.mark.parametrize("key", ["", " PRIMARY KEY"])
def test_columns_of_two_collations_are_back(
    bare: Bare, back_and_forth, owner, key: str
):
    columns = f'id int{key}, a text COLLATE "C", b text COLLATE "POSIX"'
    owner.execute(f"CREATE TABLE platform.u ({columns})".encode())
    owner.execute("INSERT INTO platform.u VALUES (1, 'a', 'b')")
    bare(
        f"CREATE TABLE platform.t ({columns}); ALTER TABLE platform.u ADD c text",
        "DROP TABLE platform.t; ALTER TABLE platform.u DROP c",
    )
    restored = back_and_forth(
        "INSERT INTO platform.t VALUES (1, 'x', 'y'); UPDATE platform.u SET c = 'c'"
    )
    assert reasons(restored) == {}
    assert owner.execute("TABLE platform.t").fetchall() == [(1, "x", "y")]
    assert owner.execute("TABLE platform.u").fetchall() == [(1, "a", "b", "c")]


def test_generated_column_is_nobody_s_data(there_and_back: There, kept, owner):
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY)")
    saved = there_and_back(
        "ALTER TABLE platform.t ADD twice int GENERATED ALWAYS AS (id * 2) STORED",
        "ALTER TABLE platform.t DROP COLUMN twice",
        "INSERT INTO platform.t VALUES (1)",
    )
    assert (saved, kept()) == ([], [])


def test_plain_delete_copies_nothing_ahead(make_flight: MakeFlight, bare: Bare, owner):
    """And keeps nobody waiting who works with other rows of the table."""
    owner.execute(T.encode())
    bare(SEED, "DELETE FROM platform.t WHERE id = 0")
    flight = make_flight()
    apply(flight, quiet)
    record_verified(flight, "test")
    committed = revert(make_flight(), "test", quiet)
    assert [lock.mode for lock in committed.locks] == ["ROW EXCLUSIVE"]


def test_update_keeps_no_reader_waiting(make_flight: MakeFlight, bare: Bare, owner):
    owner.execute(T.encode())
    bare(SEED, "UPDATE platform.t SET v = 'a' WHERE id = 0")
    flight = make_flight()
    apply(flight, quiet)
    committed = revert(make_flight(), "test", quiet)
    assert [lock.mode for lock in committed.locks] == ["SHARE ROW EXCLUSIVE"]


def test_rows_count_where_the_server_does_not_count(
    there_and_back: There, kept, owner, admin, world
):
    admin.execute(f"ALTER DATABASE {world.database} SET track_counts = off")
    owner.execute(T.encode())
    down = "DO $$ BEGIN DELETE FROM platform.t; END $$"
    there_and_back("SELECT 1", down, PRECIOUS)
    assert kept() == [("platform.t", "1 precious")]


def test_error_in_a_delete_is_shown_at_its_place(there_and_back: There, owner):
    owner.execute(T.encode())
    with pytest.raises(Exception, match=r"down\.sql:1:30: .*nonsense"):
        there_and_back("SELECT 1", "DELETE FROM platform.t WHERE nonsense = 1")
