"""verify.sql: tried out, judged, and taken back."""

from collections.abc import Callable

import pytest
from psycopg import errors

from flows.database.behaviour import check_behaviour
from flows.database.connection import Conn
from flows.migration.probe import Verdict
from flows.migration.script import Script

Read = Callable[[str], Script]


def test_behaviour_passes(conn: Conn, read: Read):
    check = check_behaviour(conn, read("SELECT 1; SELECT '100 %s'"))
    assert (check.verdict, check.detail) == (Verdict.PASS, "2 statements passed")


def test_raise_fails_with_its_place(conn: Conn, read: Read):
    text = "SELECT 1;\nDO $$ BEGIN RAISE 'no good'; END $$"
    check = check_behaviour(conn, read(text))
    assert check.verdict is Verdict.FAIL
    assert "up.sql:2:1: no good (SQLSTATE P0001)" in check.detail


def test_first_raise_ends_it(conn: Conn, read: Read):
    check = check_behaviour(conn, read("SELECT 1/0; SELECT FROM nix"))
    assert "division by zero" in check.detail


@pytest.mark.parametrize("end", ["SELECT 1", "SELECT 1/0"])
def test_behaviour_leaves_nothing(conn: Conn, read: Read, end: str):
    conn.execute("CREATE TABLE platform.kept ()")
    check_behaviour(conn, read(f"CREATE TABLE platform.tried (); {end}"))
    found = conn.execute(
        "SELECT to_regclass('platform.kept') IS NOT NULL AS kept,"
        " to_regclass('platform.tried') IS NOT NULL AS tried"
    ).fetchone()
    assert found == {"kept": True, "tried": False}


def test_contention_is_no_verdict(conn: Conn, admin, read: Read):
    conn.execute("SET LOCAL lock_timeout = 50")
    with admin.transaction(), pytest.raises(errors.LockNotAvailable):
        admin.execute("LOCK TABLE platform.users IN ACCESS EXCLUSIVE MODE")
        check_behaviour(conn, read("SELECT FROM platform.users"))


def test_used_up_budget_is_no_verdict(conn: Conn, read: Read):
    conn.execute("SET LOCAL statement_timeout = 50")
    with pytest.raises(errors.QueryCanceled):
        check_behaviour(conn, read("SELECT pg_sleep(5)"))


@pytest.mark.parametrize("state", ["25006", "53100", "53200", "58030"])
def test_server_in_trouble_is_no_verdict(conn: Conn, read: Read, state: str):
    text = f"DO $$ BEGIN RAISE 'no space' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(errors.lookup(state)):
        check_behaviour(conn, read(text))
