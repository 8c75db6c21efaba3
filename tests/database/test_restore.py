"""Putting back, in the transaction of the next deployment, what a rollback saved."""

from collections.abc import Callable

import pytest

from flows.database.apply import apply
from flows.database.online.apply import apply_online
from flows.database.online.restore import restore_by_hand
from flows.database.revert import revert
from flows.database.untouched import CHANGED, MAY_BE_CHOSEN
from flows.database.verify import record_verified
from flows.migration.report import Applied, Restored
from tests.database.conftest import Bare, quiet
from tests.fix_flight import MakeFlight

Round = Callable[..., list[Restored]]


@pytest.fixture
def deploy_once(make_flight: MakeFlight) -> Callable[[], Applied]:
    def deploy() -> Applied:
        flight = make_flight()
        applied = apply(flight, quiet)
        record_verified(flight, "test")
        return applied

    return deploy


@pytest.fixture
def back_and_forth(deploy_once, make_flight: MakeFlight, owner) -> Round:
    """Deploy, write, roll back, write, deploy again; what was put back then."""

    def round_(since: str = "", meanwhile: str = "") -> list[Restored]:
        deploy_once()
        owner.execute(since.encode() or b"SELECT")
        revert(make_flight(), "test", quiet)
        owner.execute(meanwhile.encode() or b"SELECT")
        return list(deploy_once().restored)

    return round_


def reasons(restored: list[Restored]) -> dict[str, int]:
    return {c.reason: c.rows for one in restored for c in one.conflicts}


CHOOSE = (
    "UPDATE platform.users AS u SET active_org_id = (SELECT m.org_id"
    " FROM platform.org_members AS m WHERE m.user_id = u.id"
    " ORDER BY m.org_id DESC LIMIT 1)"
)
GONE = (
    "DELETE FROM platform.users WHERE id = (SELECT user_id FROM platform.org_members"
    " GROUP BY user_id ORDER BY count(*), user_id LIMIT 1)"
)
CHOSEN = (
    "SELECT id, active_org_id FROM platform.users WHERE active_org_id IS NOT NULL"
    " ORDER BY id"
)


def test_what_users_chose_is_back(deploy_once, make_flight, owner):
    deploy_once()
    owner.execute(CHOOSE)
    before = owner.execute(CHOSEN).fetchall()
    revert(make_flight(), "test", quiet)
    (restored,) = deploy_once().restored
    assert owner.execute(CHOSEN).fetchall() == before
    assert restored.name == "platform.users.active_org_id"
    assert restored.conflicts == []


def test_only_rows_that_differ_are_written(back_and_forth: Round):
    """The backfill gives all of them the same value again."""
    (restored,) = back_and_forth()
    assert restored.rows == 0


def test_nothing_is_restored_twice(back_and_forth: Round, make_flight, owner):
    back_and_forth(CHOOSE)
    owner.execute("UPDATE platform.users SET active_org_id = NULL")
    revert(make_flight(), "test", quiet)
    (restored,) = apply(make_flight(), quiet).restored
    assert restored.rows == 0


def test_user_that_is_gone_is_a_conflict(back_and_forth: Round):
    (restored,) = back_and_forth("", GONE)
    (conflict,) = restored.conflicts
    assert (conflict.reason, conflict.rows) == ("the row is gone", 1)
    assert len(conflict.first_keys) == 1


def test_organisation_that_is_gone_is_a_conflict(back_and_forth: Round, owner):
    gone = (
        "DELETE FROM platform.organizations WHERE id = ("
        " SELECT org_id FROM platform.org_members ORDER BY org_id DESC LIMIT 1)"
    )
    found = reasons(back_and_forth(CHOOSE, gone))
    reason = "the row of platform.organizations that it names is gone"
    assert found.keys() == {reason} and found[reason] > 0


def test_member_who_left_is_a_conflict_and_no_failure(back_and_forth: Round):
    left = (
        "DELETE FROM platform.org_members WHERE org_id ="
        " (SELECT max(org_id::text)::uuid FROM platform.org_members)"
    )
    found = reasons(back_and_forth(CHOOSE, left))
    assert found.keys() == {"it is not valid any more"}


def test_conflict_stays_saved_with_its_reason(back_and_forth: Round, owner):
    back_and_forth("", GONE)
    kept = owner.execute(
        "SELECT conflict FROM pgflight.saved_row WHERE conflict IS NOT NULL"
    ).fetchall()
    assert kept == [("the row is gone",)]


def test_set_is_marked_with_the_run_that_restored_it(back_and_forth: Round, owner):
    back_and_forth(CHOOSE)
    marked = owner.execute(
        "SELECT count(*) FROM pgflight.saved AS s JOIN pgflight.run AS r"
        " ON r.run_id = s.restored_by AND r.state = 'verified'"
        " WHERE s.restored_at IS NOT NULL"
    )
    assert marked.fetchone() == (1,)


def test_check_that_refuses_fails_no_deployment(
    bare: Bare, deploy_once, make_flight: MakeFlight, owner
):
    down = "ALTER TABLE platform.users DROP COLUMN n"
    bare("ALTER TABLE platform.users ADD COLUMN n int", down)
    deploy_once()
    owner.execute("UPDATE platform.users SET n = 7")
    revert(make_flight(), "test", quiet)
    bare(
        "ALTER TABLE platform.users ADD COLUMN n int CONSTRAINT few CHECK (n < 5)", down
    )
    found = reasons(deploy_once().restored)
    (reason,) = found
    assert reason.startswith("refused by the server: ") and "few" in reason
    assert found[reason] == 500


VALUES = {
    "text": """E'it''s "quoted", {a,b}\\\\ \\n'""",
    "varchar(20)": "'twenty'",
    "character(4)": "'ab'",
    "bytea": "'\\x00ff'",
    "timestamptz": "'infinity'",
    "timestamptz[]": "ARRAY[timestamptz '2024-03-31 01:30:00.123456+00', NULL]",
    "numeric": "'NaN'",
    "numeric(10,2)": "1.50",
    "double precision": "0.1::float8 + 0.2",
    "interval": "'1 year -3 days 04:05:06.7'",
    "text[]": """ARRAY['a,b', NULL, '"', '{}']""",
    "jsonb": """'{"a": [1, null, "x\\u00e9"]}'""",
    "json": """'{"a" :  1}'""",
    "date": "'0044-03-15 BC'",
    "daterange": "'[2024-01-01,infinity)'",
    "bit(3)": "B'101'",
    "platform.colour": "'dark \"red\"'",
    "platform.pair": "ROW('a,b', NULL)",
    '"char"': "'x'",
}
TYPES = (
    "CREATE TYPE platform.colour AS ENUM ('dark \"red\"');"
    "CREATE TYPE platform.pair AS (a text, b timestamptz)"
)


def test_every_type_comes_back_the_same(bare: Bare, back_and_forth: Round, owner):
    """Also where the role has settings of its own for how values are written."""
    owner.execute(TYPES)
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY)")
    owner.execute("INSERT INTO platform.t VALUES (1)")
    owner.execute("ALTER ROLE platform_owner SET DateStyle = 'SQL, DMY'")
    owner.execute("ALTER ROLE platform_owner SET IntervalStyle = 'iso_8601'")
    adding = (f"ADD COLUMN v{n} {type_}" for n, type_ in enumerate(VALUES))
    dropping = (f"DROP COLUMN v{n}" for n in range(len(VALUES)))
    alter = "ALTER TABLE platform.t "
    setting = (f"v{n} = {value}" for n, value in enumerate(VALUES.values()))
    try:
        bare(alter + ", ".join(adding), alter + ", ".join(dropping))
        update = " ".join(["UPDATE platform.t SET", ", ".join(setting)])
        restored = back_and_forth(update)
    finally:
        owner.execute("ALTER ROLE platform_owner RESET ALL")
    assert [(r.rows, r.conflicts) for r in restored] == [(1, [])] * len(VALUES)
    same = (
        f"v{n}::text = ({value})::{type_}::text"
        for n, (type_, value) in enumerate(VALUES.items())
    )
    select = " ".join(["SELECT", ", ".join(same), "FROM platform.t"])
    row = owner.execute(select.encode())
    assert row.fetchone() == (True,) * len(VALUES)


def test_value_that_would_be_cut_is_a_conflict(
    bare: Bare, deploy_once, make_flight, owner
):
    down = "ALTER TABLE platform.users DROP COLUMN v"
    bare("ALTER TABLE platform.users ADD COLUMN v varchar(20)", down)
    deploy_once()
    owner.execute("UPDATE platform.users SET v = 'twelve chars'")
    owner.execute("UPDATE platform.users SET v = 'short' WHERE email LIKE '%1@%'")
    revert(make_flight(), "test", quiet)
    bare("ALTER TABLE platform.users ADD COLUMN v varchar(5)", down)
    (restored,) = deploy_once().restored
    assert restored.rows == 50
    assert reasons([restored]) == {
        "it would not be the same as character varying(5)": 450
    }


OTHER_TYPES = [
    ("numeric(10,4)", "'1.2345'", "'1.5'", "numeric(10,2)"),
    ("timestamptz", "'2024-01-01 10:00+00'", "'2024-01-01 00:00+00'", "date"),
    ("text", "repeat('n', 64)", "'n'", "name"),
    ("bigint", "5000000001", "5", "real"),
    ("json", "NULL", """'{"a" :  1}'""", "jsonb"),
    ("date", "NULL", "'2024-01-01'", "timestamptz"),
]


@pytest.mark.parametrize(("old", "lost", "kept", "new"), OTHER_TYPES)
def test_value_that_another_type_would_round_is_a_conflict(
    bare: Bare, deploy_once, make_flight, owner, old, lost, kept, new
):
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY)")
    owner.execute("INSERT INTO platform.t VALUES (1), (2)")
    add, down = "ALTER TABLE platform.t ADD COLUMN v ", "ALTER TABLE platform.t DROP v"
    bare(add + old, down)
    deploy_once()
    for id, value in enumerate((lost, kept), start=1):
        statement = ["UPDATE platform.t SET v =", value, "WHERE id =", str(id)]
        owner.execute(" ".join(statement).encode())
    revert(make_flight(), "test", quiet)
    bare(add + new, down)
    (restored,) = deploy_once().restored
    assert restored.rows == 1
    assert sum(reasons([restored]).values()) == (lost != "NULL")


def test_type_that_is_not_there_any_more(bare: Bare, deploy_once, make_flight, owner):
    make = "CREATE TYPE platform.mood AS ENUM ('good', 'bad')"
    add, down = "ALTER TABLE platform.users ADD COLUMN v ", "ALTER TABLE platform.users"
    drop = f"{down} DROP COLUMN v; DROP TYPE platform.mood"
    bare(f"{make}; {add} platform.mood", drop)
    deploy_once()
    owner.execute("UPDATE platform.users SET v = 'good'")
    revert(make_flight(), "test", quiet)
    bare(f"{add} text", f"{down} DROP COLUMN v")
    (restored,) = deploy_once().restored
    assert (restored.rows, restored.conflicts) == (500, [])


def test_column_that_down_gives_another_type_is_saved(
    bare: Bare, back_and_forth: Round, owner
):
    """What it cuts is not written over what is there when it comes again."""
    owner.execute("ALTER TABLE platform.users ADD COLUMN v varchar(4) DEFAULT 'old'")
    change = "ALTER TABLE platform.users ALTER COLUMN v TYPE"
    bare(f"{change} text", f"{change} varchar(4) USING left(v, 4)")
    (restored,) = back_and_forth(
        "UPDATE platform.users SET v = 'longer' WHERE email LIKE '%1@%'"
    )
    assert reasons([restored]) == {"another value is there now": 50}
    saved = owner.execute(
        "SELECT DISTINCT value_texts FROM pgflight.saved_row WHERE conflict IS NOT NULL"
    )
    assert saved.fetchall() == [(["longer"],)]


def test_null_in_place_of_a_default_is_a_choice(
    bare: Bare, back_and_forth: Round, owner
):
    bare(
        "ALTER TABLE platform.users ADD COLUMN v text DEFAULT 'a'",
        "ALTER TABLE platform.users DROP COLUMN v",
    )
    (restored,) = back_and_forth(
        "UPDATE platform.users SET v = NULL WHERE email LIKE '%1@%'"
    )
    assert restored.rows == 50
    found = owner.execute(
        "SELECT v, count(*) FROM platform.users GROUP BY 1 ORDER BY 1"
    )
    assert found.fetchall() == [("a", 450), (None, 50)]


def test_null_where_there_must_be_a_value_is_a_conflict(
    bare: Bare, deploy_once, make_flight, owner
):
    add, down = "ALTER TABLE platform.users ADD COLUMN v text DEFAULT 'a'", "DROP v"
    down = f"ALTER TABLE platform.users {down}"
    bare(add, down)
    deploy_once()
    owner.execute("UPDATE platform.users SET v = 'b'")
    owner.execute("UPDATE platform.users SET v = NULL WHERE email LIKE '%1@%'")
    revert(make_flight(), "test", quiet)
    bare(f"{add} NOT NULL", down)
    (restored,) = deploy_once().restored
    assert restored.rows == 450
    assert reasons([restored]) == {"the column must have a value now": 50}


def test_column_that_somebody_has_made_meanwhile(
    bare: Bare, back_and_forth: Round, owner
):
    """What was written to it since is newer."""
    bare(
        "ALTER TABLE platform.users ADD COLUMN IF NOT EXISTS v text",
        "ALTER TABLE platform.users DROP COLUMN v",
    )
    (restored,) = back_and_forth(
        "UPDATE platform.users SET v = 'saved'",
        "ALTER TABLE platform.users ADD COLUMN v text;"
        "UPDATE platform.users SET v = 'newer' WHERE email LIKE '%1@%'",
    )
    assert restored.rows == 450
    assert reasons([restored]) == {"another value is there now": 50}


def test_column_that_is_not_made_any_more_is_said(
    bare: Bare, deploy_once, make_flight, owner
):
    bare(
        "ALTER TABLE platform.users ADD COLUMN v text",
        "ALTER TABLE platform.users DROP COLUMN v",
    )
    deploy_once()
    owner.execute("UPDATE platform.users SET v = 'saved'")
    revert(make_flight(), "test", quiet)
    bare("ALTER TABLE platform.users ADD COLUMN w text")
    assert reasons(deploy_once().restored) == {"platform.users.v is not there": 500}


def test_rows_that_come_back_without_a_column_are_said(
    bare: Bare, deploy_once, make_flight, owner
):
    """And again by hand, for as long as it is not there."""
    create, down = (
        "CREATE TABLE platform.k (id int PRIMARY KEY",
        "DROP TABLE platform.k",
    )
    bare(f"{create}, v text, w text)", down)
    deploy_once()
    owner.execute("INSERT INTO platform.k VALUES (1, 'a', 'b'), (2, 'c', NULL)")
    revert(make_flight(), "test", quiet)
    bare(f"{create}, v text)", down)
    (restored,) = deploy_once().restored
    said = {"it is back without w, not there any more": 1}
    assert restored.rows == 2 and reasons([restored]) == said
    assert owner.execute("SELECT * FROM platform.k ORDER BY 1").fetchall() == [
        (1, "a"),
        (2, "c"),
    ]
    (again,) = restore_by_hand(make_flight(), quiet)
    assert reasons([again]) == said


def test_default_gives_way_by_hand_once_the_cause_is_gone(
    bare: Bare, deploy_once, make_flight, owner
):
    """Where nobody has written to the row since."""
    add = "ALTER TABLE platform.users ADD COLUMN v text DEFAULT 'a'"
    down = "ALTER TABLE platform.users DROP COLUMN v"
    bare(add, down)
    deploy_once()
    owner.execute("UPDATE platform.users SET v = 'saved'")
    revert(make_flight(), "test", quiet)
    bare(f"{add} CONSTRAINT few CHECK (v = 'a')", down)
    assert sum(reasons(deploy_once().restored).values()) == 500
    owner.execute("ALTER TABLE platform.users DROP CONSTRAINT few")
    owner.execute("UPDATE platform.users SET v = 'newer' WHERE email LIKE '%1@%'")
    (restored,) = restore_by_hand(make_flight(), quiet)
    assert restored.rows == 450
    assert reasons([restored]) == {MAY_BE_CHOSEN: 50}


def test_composite_key_and_mixed_case(bare: Bare, back_and_forth: Round, owner):
    owner.execute(
        'CREATE SCHEMA "My App"; CREATE TABLE "My App"."Or%der.s" ("No." int,'
        ' "Li%ne" timestamptz, PRIMARY KEY ("Li%ne", "No."));'
        "INSERT INTO \"My App\".\"Or%der.s\" VALUES (1, 'infinity'), (2, '2024-01-01')"
    )
    bare(
        'ALTER TABLE "My App"."Or%der.s" ADD COLUMN "No""te" text',
        'ALTER TABLE "My App"."Or%der.s" DROP COLUMN "No""te"',
    )
    (restored,) = back_and_forth(
        'UPDATE "My App"."Or%der.s" SET "No""te" = "No." || \' %s {x}\''
    )
    assert restored.rows == 2
    found = owner.execute('SELECT "No""te" FROM "My App"."Or%der.s" ORDER BY 1')
    assert found.fetchall() == [("1 %s {x}",), ("2 %s {x}",)]


def test_column_of_a_table_without_key(bare: Bare, back_and_forth: Round, owner):
    """Rows that are alike in all else may have each other's values."""
    owner.execute("CREATE TABLE platform.log (line text, number int)")
    owner.execute("INSERT INTO platform.log VALUES ('a', 1), ('a', 1), ('b', NULL)")
    bare(
        "ALTER TABLE platform.log ADD COLUMN c text, ADD COLUMN d text",
        "ALTER TABLE platform.log DROP COLUMN c, DROP COLUMN d",
    )
    back_and_forth(
        "UPDATE platform.log SET c = line; UPDATE platform.log SET d = 'x' "
        "WHERE ctid = (SELECT min(ctid) FROM platform.log)"
    )
    found = owner.execute("SELECT line, c, d FROM platform.log ORDER BY 1, 3")
    assert found.fetchall() == [("a", "a", "x"), ("a", "a", None), ("b", "b", None)]


def test_dropped_tables_come_back_with_their_sequences(
    bare: Bare, back_and_forth: Round, owner
):
    bare(
        "CREATE TABLE platform.parent (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " name text, upper text GENERATED ALWAYS AS (upper(name)) STORED);"
        "CREATE TABLE platform.child (n serial PRIMARY KEY,"
        " parent int REFERENCES platform.parent, self int REFERENCES platform.child)",
        "DROP TABLE platform.child; DROP TABLE platform.parent",
    )
    restored = back_and_forth(
        "INSERT INTO platform.parent (name) VALUES ('a'), ('b');"
        "INSERT INTO platform.child (parent, self) VALUES (1, 2), (2, 1)"
    )
    assert sorted((r.name, r.rows, r.conflicts) for r in restored) == [
        ("platform.child", 2, []),
        ("platform.parent", 2, []),
    ]
    owner.execute("INSERT INTO platform.parent (name) VALUES ('c')")
    owner.execute("INSERT INTO platform.child (parent) VALUES (3)")
    found = owner.execute("SELECT id, upper FROM platform.parent ORDER BY 1").fetchall()
    assert found == [(1, "A"), (2, "B"), (3, "C")]
    assert owner.execute("SELECT max(n) FROM platform.child").fetchone() == (3,)


def test_rows_of_a_table_without_key_come_back_once(
    bare: Bare, back_and_forth: Round, owner
):
    bare(
        "CREATE TABLE platform.log (line text);INSERT INTO platform.log VALUES ('new')",
        "DROP TABLE platform.log",
    )
    (restored,) = back_and_forth("INSERT INTO platform.log VALUES ('a'), ('a')")
    assert restored.rows == 2
    lines = owner.execute("SELECT line FROM platform.log ORDER BY 1").fetchall()
    assert lines == [("a",), ("a",), ("new",)]


def test_row_whose_key_is_there_is_a_conflict(bare: Bare, back_and_forth: Round, owner):
    bare(
        "CREATE TABLE platform.k (id int PRIMARY KEY, v text UNIQUE);"
        "INSERT INTO platform.k VALUES (1, 'one')",
        "DROP TABLE platform.k",
    )
    found = reasons(
        back_and_forth(
            "UPDATE platform.k SET v = 'uno'; INSERT INTO platform.k VALUES (2, 'one')"
        )
    )
    assert found == {
        "another row has its key now": 1,
        "another row has one of its unique values now": 1,
    }


def test_deleted_rows_that_are_gone_come_back(bare: Bare, back_and_forth, owner):
    owner.execute("CREATE TABLE platform.k (id int PRIMARY KEY, v text)")
    owner.execute("INSERT INTO platform.k VALUES (1, 'old')")
    bare(
        "INSERT INTO platform.k VALUES (2, 'default') ON CONFLICT DO NOTHING",
        "DELETE FROM platform.k WHERE id >= 2",
    )
    (restored,) = back_and_forth(
        "INSERT INTO platform.k VALUES (3, 'since')", "DELETE FROM platform.k"
    )
    assert restored.rows == 1
    found = owner.execute("SELECT id FROM platform.k ORDER BY 1").fetchall()
    assert found == [(2,), (3,)]


TRIGGER = (
    "CREATE FUNCTION platform.touch() RETURNS trigger LANGUAGE plpgsql"
    " SET search_path = pg_catalog, pg_temp AS 'BEGIN {} RETURN NEW; END';"
    "CREATE TRIGGER touch BEFORE {} ON {} FOR EACH ROW"
    " EXECUTE FUNCTION platform.touch()"
)


@pytest.mark.parametrize("key", ["", " PRIMARY KEY"])
@pytest.mark.parametrize("is_online", [False, True])
def test_what_a_trigger_makes_of_a_value_is_not_what_was_saved(
    bare: Bare, deploy_once, make_flight, owner, is_online: bool, key: str
):
    owner.execute(f"CREATE TABLE platform.t (id int{key})".encode())
    owner.execute("INSERT INTO platform.t VALUES (1), (2), (3)")
    touch = "IF NEW.id = 1 THEN NEW.v := NEW.v || ''!''; END IF;"
    owner.execute(TRIGGER.format(touch, "UPDATE", "platform.t").encode())
    bare(
        "ALTER TABLE platform.t ADD COLUMN v text",
        "ALTER TABLE platform.t DROP COLUMN v",
    )
    deploy_once()
    owner.execute("UPDATE platform.t SET v = 'v' WHERE id < 3")
    revert(make_flight(), "test", quiet)
    again = make_flight(strategy="online") if is_online else make_flight()
    (restored,) = (apply_online if is_online else apply)(again, quiet).restored
    assert restored.rows == 1
    assert reasons([restored]) == {CHANGED: 1}
    left = owner.execute(
        "SELECT value_texts FROM pgflight.saved_row WHERE conflict IS NOT NULL"
    )
    assert left.fetchall() == [(["v!"],)]


def test_what_a_trigger_makes_of_a_row_is_not_what_was_saved(
    bare: Bare, back_and_forth: Round, owner
):
    touch = "IF NEW.id = 1 THEN NEW.at := now(); END IF;"
    bare(
        "CREATE TABLE platform.t (id int PRIMARY KEY, n numeric(6,2), at timestamptz);"
        + TRIGGER.format(touch, "INSERT", "platform.t"),
        "DROP TABLE platform.t; DROP FUNCTION platform.touch()",
    )
    (restored,) = back_and_forth(
        "INSERT INTO platform.t VALUES (1, 1.5), (2, 2.5);"
        "UPDATE platform.t SET at = '2024-01-01'"
    )
    assert restored.rows == 1
    assert reasons([restored]) == {CHANGED: 1}


@pytest.mark.parametrize("key", ["", " PRIMARY KEY"])
def test_row_that_a_trigger_makes_another_one_of_is_not_added_again_and_again(
    bare: Bare, back_and_forth: Round, make_flight, owner, key: str
):
    owner.execute(f"CREATE TABLE platform.t (id int{key}, v text)".encode())
    owner.execute("CREATE SEQUENCE platform.number START 100")
    owner.execute("INSERT INTO platform.t VALUES (1, 'left'), (2, 'gone'), (3, 'gone')")
    give = "IF NEW.id = 2 THEN NEW.id := nextval(''platform.number''); END IF;"
    owner.execute(TRIGGER.format(give, "INSERT", "platform.t").encode())
    bare("SELECT 1", "DELETE FROM platform.t WHERE v = 'gone'")
    said = {"refused by the server: a trigger makes another row of it": 2}
    assert reasons(back_and_forth()) == said
    by_hand = restore_by_hand(make_flight(), quiet)
    found = owner.execute("SELECT id FROM platform.t ORDER BY id").fetchall()
    if key:
        assert sum(reasons(by_hand).values()) == 1
        assert found == [(1,), (3,)]
    else:
        assert reasons(by_hand) == said
        assert found == [(1,)]


@pytest.mark.parametrize(("kind", "refused"), [("ALWAYS", 2), ("BY DEFAULT", 0)])
def test_identity_that_the_server_lets_nobody_write_to_stays_saved(
    bare: Bare, back_and_forth: Round, kind: str, refused: int, owner
):
    owner.execute("CREATE TABLE platform.t (id int PRIMARY KEY)")
    owner.execute("INSERT INTO platform.t VALUES (1), (2)")
    bare(
        f"ALTER TABLE platform.t ADD COLUMN n int GENERATED {kind} AS IDENTITY",
        "ALTER TABLE platform.t DROP COLUMN n",
    )
    (restored,) = back_and_forth(
        "ALTER TABLE platform.t ALTER n RESTART WITH 8;"
        "UPDATE platform.t SET n = DEFAULT"
    )
    assert restored.rows == 2 - refused
    assert sum(reasons([restored]).values()) == refused


def test_hundred_thousand_rows_in_one_statement(
    bare: Bare, make_flight: MakeFlight, deploy_once, owner
):
    owner.execute("CREATE TABLE platform.big (id int PRIMARY KEY)")
    owner.execute("INSERT INTO platform.big SELECT generate_series(1, 100000)")
    bare(
        "ALTER TABLE platform.big ADD COLUMN v text",
        "ALTER TABLE platform.big DROP COLUMN v",
    )
    deploy_once()
    owner.execute("UPDATE platform.big SET v = 'v' || id")
    revert(make_flight(), "test", quiet)
    (restored,) = deploy_once().restored
    assert (restored.rows, restored.conflicts) == (100_000, [])


def test_settings_are_as_before_the_restoring(
    bare: Bare, back_and_forth: Round, folder
):
    """verify.sql runs afterwards, in the same transaction."""
    bare(
        "ALTER TABLE platform.users ADD COLUMN v text",
        "ALTER TABLE platform.users DROP COLUMN v",
    )
    (folder / "008_active_org" / "verify.sql").write_text(
        "DO $$ BEGIN ASSERT current_setting('row_security') = 'on'; END $$"
    )
    back_and_forth("UPDATE platform.users SET v = 'x'")


def test_horizon_of_another_cluster_says_nothing(
    bare: Bare, deploy_once, make_flight, owner
):
    """After a dump was read back elsewhere, every row may look old enough."""
    test_default_gives_way_by_hand_once_the_cause_is_gone(
        bare, deploy_once, make_flight, owner
    )
    owner.execute("UPDATE pgflight.saved SET horizon = '1 1900000000'")
    (restored,) = restore_by_hand(make_flight(), quiet)
    assert restored.rows == 450
    assert reasons([restored]) == {"another value is there now": 50}


def test_conflict_is_none_in_the_deployment_after_the_next(
    bare: Bare, deploy_once, make_flight, owner
):
    """The one that it was a conflict in is taken back as well."""
    add = "ALTER TABLE platform.users ADD COLUMN n int"
    down = "ALTER TABLE platform.users DROP COLUMN n"
    bare(add, down)
    deploy_once()
    owner.execute("UPDATE platform.users SET n = 7")
    revert(make_flight(), "test", quiet)
    bare(f"{add} CONSTRAINT few CHECK (n < 5)", down)
    assert deploy_once().restored[0].rows == 0
    revert(make_flight(), "test", quiet)
    bare(add, down)
    restored = deploy_once().restored
    assert reasons(restored) == {}
    assert owner.execute("SELECT DISTINCT n FROM platform.users").fetchall() == [(7,)]


def test_value_that_a_newer_one_stood_for_does_not_come_back(
    bare: Bare, deploy_once, make_flight, owner
):
    add = "ALTER TABLE platform.users ADD COLUMN IF NOT EXISTS n int"
    bare(add, "ALTER TABLE platform.users DROP COLUMN n")
    deploy_once()
    owner.execute("UPDATE platform.users SET n = 7")
    revert(make_flight(), "test", quiet)
    owner.execute(GONE)
    owner.execute(add.encode())
    owner.execute("UPDATE platform.users SET n = 8")
    conflicts = {"another value is there now": 499, "the row is gone": 1}
    assert reasons(deploy_once().restored) == conflicts
    owner.execute("UPDATE platform.users SET n = NULL")
    with_n = "UPDATE pgflight.run SET fingerprint_before = fingerprint_before - %s"
    owner.execute(with_n, ["column platform.users.n"])
    revert(make_flight(), "test", quiet)
    deploy_once()
    assert owner.execute("SELECT DISTINCT n FROM platform.users").fetchall() == [
        (None,)
    ]


NAMESAKES = (
    "CREATE SCHEMA platform_owner; CREATE TABLE platform_owner.k (id int);"
    "CREATE TABLE platform.k (id int);"
    "CREATE TABLE platform.t (id int PRIMARY KEY); INSERT INTO platform.t VALUES (1)"
)


@pytest.mark.parametrize("value", ["platform.k", "platform_owner.k"])
def test_table_as_a_value_is_the_same_in_any_search_path(
    bare: Bare, back_and_forth: Round, owner, value: str
):
    owner.execute(NAMESAKES.encode())
    bare(
        "SET LOCAL search_path = platform; ALTER TABLE t ADD COLUMN r regclass",
        "SET LOCAL search_path = platform; ALTER TABLE t DROP COLUMN r",
    )
    update = ["UPDATE platform.t SET r =", f"'{value}'"]
    (restored,) = back_and_forth(" ".join(update))
    assert (restored.rows, restored.conflicts) == (1, [])
    same = owner.execute("SELECT r = %s::regclass FROM platform.t", [value])
    assert same.fetchone() == (True,)


def test_deleted_row_has_its_tables_in_any_search_path(
    bare: Bare, back_and_forth: Round, owner
):
    owner.execute(NAMESAKES.encode())
    owner.execute("ALTER TABLE platform.t ADD COLUMN r regclass")
    bare("SELECT 1", "SET LOCAL search_path = platform; DELETE FROM t WHERE id = 1")
    back_and_forth("UPDATE platform.t SET r = 'platform.k'")
    same = owner.execute("SELECT r = 'platform.k'::regclass FROM platform.t")
    assert same.fetchone() == (True,)
