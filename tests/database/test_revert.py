"""Reverting: what is deleted is saved, what is left is proved, or nothing changes."""

from pathlib import Path

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.connection import Conn
from flows.database.ledger import create_ledger
from flows.database.revert import is_reverted, prove_reverted, revert
from flows.database.verify import record_verified
from flows.demo.world import World
from flows.migration.errors import Blocked, InTheWay, QueryFailed, RollbackFailed
from flows.migration.flight import Flight
from tests.database.conftest import Bare, quiet
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump

NEW_TABLE = "CREATE TABLE platform.later (id int)"


def fly(make_flight: MakeFlight) -> Flight:
    """Deploy until the catalogue is recorded; returns the flight back."""
    flight = make_flight()
    apply(flight, quiet)
    record_verified(flight, "test")
    return make_flight()


def test_revert_restores_the_schema_to_the_byte(
    make_flight: MakeFlight, owner, dump_schema: Dump, ledger: None
):
    before = dump_schema()
    revert(fly(make_flight), "test", quiet)
    assert dump_schema() == before


def test_server_that_never_saw_the_deployment_has_reverted_nothing(
    conn: Conn, make_flight: MakeFlight
):
    """After a failover that lost it, an absent row answers for no COMMIT."""
    create_ledger(conn)
    assert not is_reverted(conn, make_flight())


def test_revert_is_recorded(make_flight: MakeFlight, owner):
    revert(fly(make_flight), "the reason", quiet)
    events = owner.execute("SELECT kind, detail FROM pgflight.event ORDER BY id")
    assert events.fetchall()[-1] == ("rolled_back", "the reason")


def test_revert_saves_what_users_chose(make_flight: MakeFlight, owner, world: World):
    flight = fly(make_flight)
    user, org = world.smoke.user_id, world.smoke.org_id
    owner.execute("SELECT platform.set_user_active_org(%s, %s)", [user, org])
    (saved,) = revert(flight, "test", quiet).result.saved
    assert (saved.table, saved.column, saved.rows) == (
        *("platform.users", "active_org_id", 450),
    )
    kept = owner.execute(
        "SELECT value_texts[1] FROM pgflight.saved_row WHERE key_texts = %s",
        [[str(user)]],
    ).fetchone()
    assert kept == (str(org),)


def test_second_revert_is_blocked(make_flight: MakeFlight):
    flight = fly(make_flight)
    revert(flight, "test", quiet)
    with pytest.raises(Blocked, match="not in place"):
        revert(flight, "test", quiet)


def test_revert_without_down_is_refused(make_flight: MakeFlight, down: Path):
    fly(make_flight)
    down.unlink()
    with pytest.raises(RollbackFailed, match=r"no down.sql"):
        revert(make_flight(), "test", quiet)


def test_forgetful_down_changes_nothing(
    make_flight: MakeFlight, down: Path, dump_schema: Dump
):
    lines = down.read_text().splitlines()
    down.write_text("\n".join(line for line in lines if "get_user" not in line))
    flight = fly(make_flight)
    after = dump_schema()
    with pytest.raises(RollbackFailed, match=r"get_user_active_org.* is still there"):
        revert(flight, "test", quiet)
    assert dump_schema() == after


def test_greedy_down_changes_nothing(
    make_flight: MakeFlight, down: Path, dump_schema: Dump
):
    down.write_text(down.read_text() + "\nDROP TABLE platform.org_members;")
    flight = fly(make_flight)
    after = dump_schema()
    with pytest.raises(RollbackFailed, match=r"platform.org_members is gone"):
        revert(flight, "test", quiet)
    assert dump_schema() == after


def test_dependent_view_stops_the_revert(
    make_flight: MakeFlight, owner, dump_schema: Dump
):
    flight = fly(make_flight)
    owner.execute("CREATE VIEW platform.v AS SELECT active_org_id FROM platform.users")
    before = dump_schema()
    with pytest.raises(InTheWay, match=r"view platform\.v"):
        revert(flight, "test", quiet)
    assert dump_schema() == before


def test_later_objects_do_not_disturb_the_proof(make_flight: MakeFlight, owner):
    flight = fly(make_flight)
    owner.execute(NEW_TABLE.encode())
    reverted = revert(flight, "test", quiet).result
    assert "relation platform.later" in reverted.catalogue
    prove_reverted(flight, reverted.catalogue)


def test_proof_after_the_commit_sees_a_difference(make_flight: MakeFlight, owner):
    flight = fly(make_flight)
    reverted = revert(flight, "test", quiet).result
    owner.execute(NEW_TABLE.encode())
    with pytest.raises(RollbackFailed, match=r"relation platform.later is still there"):
        prove_reverted(flight, reverted.catalogue)


def test_grants_taken_back_are_as_before(make_flight: MakeFlight, bare: Bare):
    bare(
        "GRANT DELETE ON platform.users TO pg_monitor;"
        "GRANT USAGE ON SCHEMA platform TO pg_monitor",
        "REVOKE DELETE ON platform.users FROM pg_monitor;"
        "REVOKE USAGE ON SCHEMA platform FROM pg_monitor",
    )
    revert(fly(make_flight), "test", quiet)


def test_down_may_set_its_search_path(make_flight: MakeFlight, bare: Bare):
    bare(
        "CREATE TABLE platform.t (id int)",
        "SET LOCAL search_path = platform; DROP TABLE t",
    )
    revert(fly(make_flight), "test", quiet)


def saved_texts(owner: psycopg.Connection) -> list[str | None]:
    row = owner.execute("SELECT value_texts FROM pgflight.saved_row").fetchone()
    assert row is not None
    return list(row[0])


VALUES = {
    "text": """E'it''s "quoted", {a,b}\\\\ \\n'""",
    "bytea": "'\\x00ff'",
    "timestamptz": "'infinity'",
    "timestamptz[]": "ARRAY[timestamptz '2024-03-31 01:30:00.123456+00', NULL]",
    "numeric": "'NaN'",
    "double precision": "0.1::float8 + 0.2",
    "interval": "'1 year -3 days 04:05:06.7'",
    "text[]": """ARRAY['a,b', NULL, '"', '{}']""",
    "jsonb": """'{"a": [1, null, "x\\u00e9"]}'""",
    "date": "'0044-03-15 BC'",
}


@pytest.mark.parametrize("type_", VALUES)
def test_saved_text_reads_back_the_same(
    make_flight: MakeFlight, bare: Bare, owner, type_: str
):
    owner.execute("ALTER ROLE platform_owner SET extra_float_digits = 0")
    owner.execute("ALTER ROLE platform_owner SET DateStyle = 'SQL, DMY'")
    try:
        create = f"CREATE TABLE platform.t (v {type_})"
        bare(
            f"{create}; INSERT INTO platform.t SELECT {VALUES[type_]}",
            "DROP TABLE platform.t",
        )
        revert(fly(make_flight), "test", quiet)
    finally:
        owner.execute("ALTER ROLE platform_owner RESET ALL")
    (text,) = saved_texts(owner)
    value = f"({VALUES[type_]})::{type_}"
    same = " ".join(["SELECT %s ::", type_, "IS NOT DISTINCT FROM", value])
    assert owner.execute(same.encode(), [text]).fetchone() == (True,)


def test_saved_null_stays_null(make_flight: MakeFlight, bare: Bare, owner):
    bare(
        "CREATE TABLE platform.t (v text); INSERT INTO platform.t VALUES (NULL)",
        "DROP TABLE platform.t",
    )
    revert(fly(make_flight), "test", quiet)
    assert saved_texts(owner) == [None]


def test_wide_table_is_saved(make_flight: MakeFlight, bare: Bare, owner):
    columns = ", ".join(f"c{n} int DEFAULT {n}" for n in range(150))
    bare(
        f"CREATE TABLE platform.t ({columns}); INSERT INTO platform.t DEFAULT VALUES",
        "DROP TABLE platform.t",
    )
    revert(fly(make_flight), "test", quiet)
    assert saved_texts(owner) == [str(n) for n in range(150)]


def test_partitioned_table_is_saved(make_flight: MakeFlight, bare: Bare):
    bare(
        """CREATE TABLE platform.p (n int) PARTITION BY LIST (n);
        CREATE TABLE platform.p1 PARTITION OF platform.p FOR VALUES IN (1);
        CREATE TABLE platform.p2 PARTITION OF platform.p DEFAULT;
        INSERT INTO platform.p VALUES (1), (2), (3)""",
        "DROP TABLE platform.p",
    )
    (saved,) = revert(fly(make_flight), "test", quiet).result.saved
    assert saved.rows == 3


def test_hidden_rows_stop_the_revert(make_flight: MakeFlight, bare: Bare, owner):
    bare(
        "CREATE TABLE platform.t (v int); INSERT INTO platform.t VALUES (1)",
        "DROP TABLE platform.t",
    )
    flight = fly(make_flight)
    owner.execute(
        "ALTER TABLE platform.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    )
    with pytest.raises(QueryFailed, match="row-level security"):
        revert(flight, "test", quiet)
    assert owner.execute("SELECT to_regclass('platform.t') IS NULL").fetchone() == (
        False,
    )
