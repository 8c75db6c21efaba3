"""Counting a backfill: what is missing, what is wrong, and whose doing it is."""

from collections.abc import Iterator

import psycopg
import pytest

from flows.database.backfill import (
    check_backfill,
    count_backfill,
    recheck_backfill,
    snapshot_before,
)
from flows.database.connection import Conn
from flows.migration.check import Check
from flows.migration.expectation import Backfill
from flows.migration.probe import Verdict
from flows.migration.target import Target

BACKFILL = Backfill(
    table="platform.users",
    column="org",
    valid="SELECT user_id, org_id FROM platform.org_members",
)
FILL = """UPDATE platform.users AS u SET org = m.org_id
    FROM (SELECT DISTINCT ON (user_id) * FROM platform.org_members
          ORDER BY user_id, joined_at) AS m
    WHERE m.user_id = u.id"""
# One who will leave, one who will join, and one who has nothing to do with it.
PEOPLE = """
    CREATE TABLE platform.leaver AS
      SELECT id FROM platform.users WHERE org IS NOT NULL ORDER BY id LIMIT 1;
    CREATE TABLE platform.joiner AS
      SELECT id FROM platform.users WHERE org IS NULL ORDER BY id LIMIT 1;
    CREATE TABLE platform.other AS
      SELECT id FROM platform.users WHERE org IS NOT NULL ORDER BY id DESC LIMIT 1"""
LEAVES = "DELETE FROM platform.org_members WHERE user_id = (TABLE platform.leaver)"
JOINS = """INSERT INTO platform.org_members (user_id, org_id)
    SELECT (TABLE platform.joiner), (SELECT id FROM platform.organizations LIMIT 1)"""
EMPTIES = "UPDATE platform.users SET org = NULL WHERE id = (TABLE platform.other)"
SPOILS = "UPDATE platform.users SET org = id WHERE id = (TABLE platform.other)"


@pytest.fixture(autouse=True)
def filled(owner: psycopg.Connection) -> None:
    """The column, filled; what happens next happened after the UPDATE."""
    owner.execute("ALTER TABLE platform.users ADD org uuid")
    owner.execute(FILL)
    owner.execute(PEOPLE)


@pytest.fixture
def before(target: Target) -> Iterator[Conn]:
    with snapshot_before(target, "test", 30_000) as before:
        yield before


def test_count_of_a_filled_table(conn: Conn):
    count = count_backfill(conn, BACKFILL)
    assert (count.total, count.filled, count.expected) == (500, 450, 450)
    assert (count.missing, count.wrong) == (0, 0)


def test_count_finds_missing(conn: Conn, owner):
    owner.execute(EMPTIES)
    assert count_backfill(conn, BACKFILL).missing == 1


def test_count_finds_wrong(conn: Conn, owner):
    owner.execute(SPOILS)
    assert count_backfill(conn, BACKFILL).wrong == 1


def test_count_finds_value_where_none_belongs(conn: Conn, owner):
    owner.execute(
        "UPDATE platform.users SET org = id WHERE id = (TABLE platform.joiner)"
    )
    assert count_backfill(conn, BACKFILL).wrong == 1


def test_null_need_not_be_filled(conn: Conn):
    nothing = BACKFILL.model_copy(
        update={"valid": "SELECT id, NULL::uuid FROM platform.users"}
    )
    assert count_backfill(conn, nothing).missing == 0


def test_valid_may_have_lines_comments_and_percents(conn: Conn):
    valid = (
        "SELECT user_id, org_id FROM platform.org_members\nWHERE role LIKE '%' -- all"
    )
    odd = BACKFILL.model_copy(update={"valid": valid})
    assert count_backfill(conn, odd).expected == 450


def test_names_may_be_quoted(conn: Conn):
    conn.execute('CREATE TABLE platform."Big Table" ("Key" int, "a b" int)')
    conn.execute('INSERT INTO platform."Big Table" VALUES (1, 2), (2, NULL)')
    quoted = Backfill(
        table='platform."Big Table"',
        column="a b",
        key="Key",
        valid="VALUES (1, 2), (2, 2)",
    )
    assert count_backfill(conn, quoted).missing == 1


def test_check_passes(conn: Conn, before: Conn):
    check = check_backfill(conn, BACKFILL, before)
    assert check.verdict is Verdict.PASS
    assert check.detail.startswith("500 rows, 450 filled, 450 expected")


@pytest.mark.parametrize("traffic", [JOINS, LEAVES])
def test_check_excuses_traffic(conn: Conn, before: Conn, owner, traffic: str):
    owner.execute(traffic.encode())
    check = check_backfill(conn, BACKFILL, before)
    assert check.verdict is Verdict.PASS
    assert "(1 changed meanwhile)" in check.detail


def test_check_does_not_mind_a_deleted_user(conn: Conn, before: Conn, owner):
    owner.execute("DELETE FROM platform.users WHERE id = (TABLE platform.leaver)")
    assert check_backfill(conn, BACKFILL, before).verdict is Verdict.PASS


@pytest.mark.parametrize("mistake", [EMPTIES, SPOILS])
def test_check_does_not_excuse_the_migration(
    conn: Conn, before: Conn, owner, mistake: str
):
    owner.execute(LEAVES)
    owner.execute(JOINS)
    conn.execute(mistake.encode())
    assert check_backfill(conn, BACKFILL, before).verdict is Verdict.FAIL


def test_check_waits_for_no_lock_of_the_migrations_own(conn: Conn, before: Conn):
    conn.execute("LOCK TABLE platform.org_members IN ACCESS EXCLUSIVE MODE")
    conn.execute("UPDATE platform.users SET org = NULL")
    check = check_backfill(conn, BACKFILL, before)
    assert (check.verdict, "450 missing" in check.detail) == (Verdict.FAIL, True)


def rechecked(conn: Conn, owner: psycopg.Connection, traffic: str) -> Check:
    owner.execute(traffic.encode())
    return recheck_backfill(conn, BACKFILL)


def test_recheck_lets_traffic_pass(conn: Conn, owner):
    check = rechecked(conn, owner, LEAVES)
    assert (check.verdict, "(1 changed" in check.detail) == (Verdict.PASS, True)


def test_recheck_leaves_a_drift_to_a_person(conn: Conn, owner):
    check = rechecked(conn, owner, "UPDATE platform.users SET org = NULL")
    assert check.verdict is Verdict.INCONCLUSIVE
