"""A function that a migration replaces: all of it comes back with the rollback."""

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.online.apply import apply_online
from flows.database.revert import revert
from flows.database.verify import record_verified
from flows.migration.errors import InTheWay
from tests.database.conftest import Bare, quiet
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump

BEFORE = """
CREATE FUNCTION platform.f(a integer, b platform.users DEFAULT NULL) RETURNS integer
  LANGUAGE plpgsql STABLE SECURITY DEFINER COST 7 SET search_path = pg_catalog
  AS $$ BEGIN RETURN a + 1; END $$;
ALTER FUNCTION platform.f OWNER TO pg_monitor;
REVOKE ALL ON FUNCTION platform.f FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.f TO platform_app WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION platform.f TO pg_read_all_stats;
COMMENT ON FUNCTION platform.f IS 'as it was';
CREATE PROCEDURE platform.p(INOUT a int) LANGUAGE sql AS $$ SELECT 1 $$;
ALTER PROCEDURE platform.p OWNER TO platform_owner;
CREATE VIEW platform.of_f AS SELECT platform.f(1) AS one;
"""
REPLACED = """
CREATE OR REPLACE FUNCTION platform.f(a integer, b platform.users DEFAULT NULL)
  RETURNS integer LANGUAGE sql AS $$ SELECT 2 $$;
ALTER FUNCTION platform.f OWNER TO platform_owner;
GRANT EXECUTE ON FUNCTION platform.f TO PUBLIC;
REVOKE ALL ON FUNCTION platform.f FROM platform_app, pg_read_all_stats;
COMMENT ON FUNCTION platform.f IS 'changed';
CREATE OR REPLACE PROCEDURE platform.p(INOUT a int) LANGUAGE sql AS $$ SELECT 2 $$
"""
DROPPED = "DROP FUNCTION platform.f(integer, platform.users); DROP PROCEDURE platform.p"
SELECT = " LANGUAGE sql AS 'SELECT {}'"
G = "CREATE FUNCTION platform.g(int) RETURNS int" + SELECT.format(1)
MADE_ANEW = """
DROP FUNCTION platform.g(int);
CREATE FUNCTION platform.g(int) RETURNS text LANGUAGE sql AS $$ SELECT 'new' $$
"""


@pytest.fixture
def replaced(admin: psycopg.Connection, ledger: None) -> None:
    """Functions that were there before, of another owner and with rights."""
    admin.execute("GRANT pg_monitor TO platform_owner")
    admin.execute("GRANT CREATE ON SCHEMA platform TO pg_monitor")
    admin.execute("GRANT USAGE ON SCHEMA platform TO pg_monitor")
    admin.execute(BEFORE)


@pytest.mark.usefixtures("replaced")
@pytest.mark.parametrize("down", [DROPPED, "SELECT 1"])
def test_replaced_function_comes_back_to_the_byte(
    bare: Bare, make_flight: MakeFlight, dump_schema: Dump, down: str
):
    before = dump_schema()
    bare(REPLACED, down)
    apply(make_flight(), quiet)
    assert dump_schema() != before
    revert(make_flight(), "test", quiet)
    assert dump_schema() == before


@pytest.mark.usefixtures("replaced")
def test_function_replaced_online_comes_back(
    bare: Bare, make_flight: MakeFlight, dump_schema: Dump
):
    before = dump_schema()
    bare(REPLACED, DROPPED)
    apply_online(make_flight(strategy="online"), quiet)
    assert dump_schema() != before
    revert(make_flight(), "test", quiet)
    assert dump_schema() == before


@pytest.mark.usefixtures("replaced")
def test_dependents_of_a_replaced_function_stay(
    bare: Bare, make_flight: MakeFlight, owner
):
    oid = "SELECT 'platform.f(integer, platform.users)'::regprocedure::oid"
    before = owner.execute(oid).fetchone()
    bare(REPLACED, DROPPED)
    apply(make_flight(), quiet)
    revert(make_flight(), "test", quiet)
    assert owner.execute(oid).fetchone() == before


def test_function_with_another_result_is_made_anew(
    bare: Bare, make_flight: MakeFlight, owner, ledger: None, dump_schema: Dump
):
    owner.execute(G.encode())
    owner.execute("GRANT EXECUTE ON FUNCTION platform.g TO pg_monitor")
    before = dump_schema()
    bare(MADE_ANEW, "DROP FUNCTION platform.g(int)")
    apply(make_flight(), quiet)
    revert(make_flight(), "test", quiet)
    assert dump_schema() == before


def test_what_down_restores_itself_is_left_alone(
    bare: Bare, make_flight: MakeFlight, owner
):
    owner.execute(G.encode())
    replace = G.replace("CREATE", "CREATE OR REPLACE")
    bare(replace.replace("SELECT 1", "SELECT 2"), replace)
    apply(make_flight(), quiet)
    said: list[str] = []
    revert(make_flight(), "test", said.append)
    assert not [line for line in said if "Restored" in line]
    assert owner.execute("SELECT platform.g(0)").fetchone() == (1,)


def test_new_function_in_the_same_drop_is_dropped(
    bare: Bare, make_flight: MakeFlight, owner, ledger: None, dump_schema: Dump
):
    owner.execute(G.encode())
    before = dump_schema()
    bare(
        "CREATE OR REPLACE FUNCTION platform.g(int) RETURNS int LANGUAGE sql"
        " AS 'SELECT 2'; CREATE FUNCTION platform.h() RETURNS int LANGUAGE sql"
        " AS 'SELECT 3'",
        "DROP FUNCTION platform.g(int), platform.h()",
    )
    apply(make_flight(), quiet)
    revert(make_flight(), "test", quiet)
    assert dump_schema() == before


def test_replaced_function_that_somebody_has_changed_since_is_in_the_way(
    bare: Bare, make_flight: MakeFlight, owner
):
    text = "CREATE OR REPLACE FUNCTION platform.g(int) RETURNS int" + SELECT
    owner.execute(text.format(1).encode())
    bare(text.format(2), "SELECT 1")
    flight = make_flight()
    apply(flight, quiet)
    record_verified(flight, "test")
    owner.execute(text.format(3).encode())
    with pytest.raises(InTheWay, match=r"function platform\.g\(integer\)"):
        revert(make_flight(), "test", quiet)
    assert owner.execute("SELECT platform.g(0)").fetchone() == (3,)
