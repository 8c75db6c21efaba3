"""Putting back, in the transaction of the next deployment, what a rollback saved."""

from collections.abc import Callable

import pytest

from flows.database.apply import apply
from flows.database.revert import revert
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
    revert(make_flight(), "test", quiet)
    bare("ALTER TABLE platform.users ADD COLUMN v varchar(5)", down)
    found = reasons(deploy_once().restored)
    assert found == {
        "refused by the server: value too long for type character varying(5)": 500
    }


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
