"""A step that fails: what was done is taken back, and nobody's data is lost."""

from typing import LiteralString
from uuid import UUID

import psycopg
import pytest

from flows.database.connection import Conn
from flows.database.online.apply import apply_online
from flows.database.saving import Copy, save
from flows.database.transaction import FIRST_WITH_TRANSACTION_TIMEOUT
from flows.migration.errors import ApplyFailed, RollbackFailed, StatementFailed
from flows.migration.flight import Flight
from flows.migration.report import Saved
from tests.database.conftest import Bare, quiet
from tests.database.online.conftest import FlyOnline
from tests.database.online.test_apply import states
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump

NEVER = "ALTER TABLE platform.users ADD CONSTRAINT never CHECK (false);"
ALL_KINDS = """
CREATE TYPE platform.mood AS ENUM ('good');
ALTER TABLE platform.users ADD COLUMN mood platform.mood, ADD COLUMN a int DEFAULT 1;
UPDATE platform.users SET a = 2 WHERE a IS DISTINCT FROM 2;
CREATE INDEX by_a ON platform.users (a);
ALTER TABLE platform.users ADD CONSTRAINT a_is_2 CHECK (a = 2);
ALTER TABLE platform.users ALTER COLUMN a SET NOT NULL;
ALTER TABLE platform.users ADD CONSTRAINT mail UNIQUE (email, a);
CREATE FUNCTION platform.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT EXECUTE ON FUNCTION platform.f() TO platform_app;
CREATE VIEW platform.v AS SELECT a FROM platform.users;
COMMENT ON VIEW platform.v IS 'x';
"""


def fly_beside(
    flight: Flight, owner: psycopg.Connection, statement: LiteralString
) -> None:
    """Fly, and have somebody run a statement once the column is there."""

    def say(line: str) -> None:
        if "ADD COLUMN" in line:
            owner.execute(statement)

    apply_online(flight, say)


def test_every_kind_of_step_is_taken_back(
    bare: Bare, fly_online: FlyOnline, owner, dump_schema: Dump, ledger: None
):
    bare(ALL_KINDS + NEVER)
    before = dump_schema()
    with pytest.raises(StatementFailed, match="never"):
        fly_online()
    assert dump_schema() == before
    assert states(owner) == [("rolled_back", "online")]


def test_what_was_there_before_stays(
    bare: Bare, fly_online: FlyOnline, owner, dump_schema: Dump, ledger: None
):
    owner.execute("ALTER TABLE platform.users ADD COLUMN a int")
    before = dump_schema()
    bare(f"ALTER TABLE platform.users ADD COLUMN IF NOT EXISTS a int;\n{NEVER}")
    with pytest.raises(StatementFailed):
        fly_online()
    assert dump_schema() == before


def test_what_others_built_on_it_is_named_and_stays(
    bare: Bare, make_flight: MakeFlight, owner: psycopg.Connection
):
    bare(f"ALTER TABLE platform.users ADD COLUMN a int;\n{NEVER}")

    with pytest.raises(RollbackFailed, match=r"index platform\.by_hand"):
        fly_beside(
            *(make_flight(strategy="online"), owner),
            "CREATE INDEX by_hand ON platform.users (email, a)",
        )
    row = owner.execute("SELECT to_regclass('platform.by_hand') IS NULL").fetchone()
    assert row == (False,)
    assert states(owner) == [("applying", "online")]


def test_what_cannot_be_taken_back_is_said(
    bare: Bare, fly_online: FlyOnline, owner: psycopg.Connection
):
    bare(f"ALTER TABLE platform.users ALTER COLUMN email SET DEFAULT '';\n{NEVER}")
    with pytest.raises(RollbackFailed) as caught:
        fly_online()
    assert "never" in caught.value.message
    assert "the file does not say what was there before" in caught.value.message
    assert states(owner) == [("applying", "online")]


def test_run_that_could_not_be_taken_back_goes_on(
    bare: Bare, fly_online: FlyOnline, owner: psycopg.Connection
):
    test_what_cannot_be_taken_back_is_said(bare, fly_online, owner)
    owner.execute("ALTER TABLE platform.users DROP CONSTRAINT IF EXISTS never")
    owner.execute("DELETE FROM platform.users")
    fly_online()
    assert states(owner) == [("applied", "online")]


def test_step_that_was_undone_counts_its_rows_anew(
    bare: Bare, fly_online: FlyOnline, owner: psycopg.Connection
):
    bare(
        "ALTER TABLE platform.users ALTER COLUMN email SET DEFAULT '';\n"
        "ALTER TABLE platform.users ADD COLUMN a int;\n"
        "UPDATE platform.users SET a = 1 WHERE a IS NULL;\n"
        "ALTER TABLE platform.users ADD CONSTRAINT good CHECK (display_name <> 'bad');"
    )
    name = "UPDATE platform.users SET display_name = %s"
    owner.execute(name, ["bad"])
    with pytest.raises(RollbackFailed):
        fly_online()
    owner.execute(name, ["good"])
    # Else what the way back has saved is put back, and nothing is left to be filled.
    owner.execute("DELETE FROM pgflight.saved")
    assert fly_online().rows == 500


def test_thing_that_is_there_already_is_refused(
    bare: Bare, fly_online: FlyOnline, owner: psycopg.Connection
):
    """As ADD COLUMN without IF NOT EXISTS is in one transaction."""
    owner.execute("ALTER TABLE platform.users ADD COLUMN a int")
    bare("ALTER TABLE platform.users ADD COLUMN a int")
    with pytest.raises(ApplyFailed, match=r"users\.a is there already"):
        fly_online()
    assert states(owner) == [("rolled_back", "online")]


def test_what_somebody_wrote_meanwhile_is_saved(
    bare: Bare, make_flight: MakeFlight, owner: psycopg.Connection
):
    bare(f"ALTER TABLE platform.users ADD COLUMN a int;\n{NEVER}")

    with pytest.raises(StatementFailed):
        fly_beside(
            *(make_flight(strategy="online"), owner),
            "UPDATE platform.users SET a = 7 WHERE email LIKE '%1@%'",
        )
    saved = owner.execute(
        "SELECT s.relation, s.value_names, s.is_kept, array_agg(DISTINCT r.value_texts)"
        " FROM pgflight.saved AS s JOIN pgflight.saved_row AS r ON r.saved_id = s.id"
        " GROUP BY s.id"
    ).fetchall()
    assert saved == [("platform.users", ["a"], True, [["7"]])]


def test_what_a_step_back_loses_at_second_hand_is_saved(
    bare: Bare, fly_online: FlyOnline, owner, admin
):
    """Here by an event trigger: nothing of it is in the statement."""
    owner.execute("CREATE TABLE platform.t (v text)")
    owner.execute("INSERT INTO platform.t VALUES ('precious')")
    admin.execute(
        "CREATE FUNCTION public.also() RETURNS event_trigger LANGUAGE plpgsql"
        " AS 'BEGIN DELETE FROM platform.t; END';"
        "CREATE EVENT TRIGGER also ON sql_drop EXECUTE FUNCTION public.also()"
    )
    bare(f"CREATE TABLE platform.made (id int);\n{NEVER}")
    with pytest.raises(StatementFailed, match="never"):
        fly_online()
    saved = owner.execute(
        "SELECT s.relation, r.value_texts FROM pgflight.saved AS s"
        " JOIN pgflight.saved_row AS r ON r.saved_id = s.id WHERE s.is_kept"
    ).fetchall()
    assert saved == [("platform.t", ["precious"])]


def test_saving_is_limited_and_counts_as_time_under_lock(
    bare: Bare, make_flight: MakeFlight, monkeypatch: pytest.MonkeyPatch
):
    """A slow save: whoever wants the table waits for it, too."""
    bare(f"ALTER TABLE platform.users ADD COLUMN a int;\n{NEVER}")
    flight = make_flight(strategy="online")
    limits: list[str] = []

    def save_slowly(conn: Conn, copy: Copy, run_id: UUID) -> Saved | None:
        row = conn.execute(
            "SELECT current_setting('statement_timeout') AS it, pg_sleep(0.3)"
        )
        limits.extend(found["it"] for found in row)
        return save(conn, copy, run_id)

    monkeypatch.setattr("flows.database.keeping.save", save_slowly)
    with pytest.raises(StatementFailed):
        apply_online(flight, quiet)
    held = {
        (lock.table, lock.mode): lock.held_ms for lock in flight.report.locks_in_vain
    }
    assert held["platform.users", "ACCESS EXCLUSIVE"] > 300
    if flight.identity.major < FIRST_WITH_TRANSACTION_TIMEOUT:
        assert limits and "0" not in limits


def test_interruption_takes_everything_back(
    online: Flight, owner, dump_schema: Dump, ledger: None
):
    before = dump_schema()

    def say(line: str) -> None:
        if "CREATE INDEX" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_online(online, say)
    assert dump_schema() == before
    assert states(owner) == [("rolled_back", "online")]


def test_first_error_is_said_before_the_way_back_is_interrupted(
    bare: Bare, make_flight: MakeFlight, owner
):
    bare(f"ALTER TABLE platform.users ADD COLUMN a int;\n{NEVER}")
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line.startswith("Taking back"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_online(make_flight(strategy="online"), say)
    assert "never" in said[-1]
    assert states(owner) == [("applying", "online")]


def test_failed_deployment_does_not_hinder_the_next(
    bare: Bare, fly_online: FlyOnline, make_flight: MakeFlight, owner
):
    bare(ALL_KINDS + NEVER)
    with pytest.raises(StatementFailed):
        fly_online()
    bare(ALL_KINDS)
    apply_online(make_flight(strategy="online"), quiet)
    assert sorted(states(owner)) == [("applied", "online"), ("rolled_back", "online")]


FUNCTION = (
    "CREATE OR REPLACE FUNCTION platform.f() RETURNS int LANGUAGE sql"
    " STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1'"
)
CHANGES_OF_A_FUNCTION = {
    "replaced": "CREATE OR REPLACE FUNCTION platform.f() RETURNS int LANGUAGE sql"
    " AS 'SELECT 2'",
    "replaced beside what is new": "CREATE TYPE platform.mood AS ENUM ('good');"
    "CREATE OR REPLACE FUNCTION platform.f() RETURNS int LANGUAGE sql"
    " BEGIN ATOMIC SELECT 'good'::platform.mood = 'good'; SELECT 2; END;"
    "CREATE VIEW platform.v AS SELECT platform.f()",
    "granted": "GRANT EXECUTE ON FUNCTION platform.f() TO PUBLIC;"
    "REVOKE EXECUTE ON FUNCTION platform.f() FROM platform_app",
    "altered": "ALTER FUNCTION platform.f() VOLATILE SECURITY INVOKER RESET ALL",
    "given away": "ALTER FUNCTION platform.f() OWNER TO platform_app",
    "commented on": "COMMENT ON FUNCTION platform.f() IS 'new'",
    "dropped": "DROP FUNCTION platform.f()",
    "made anew": "DROP FUNCTION platform.f();"
    "CREATE FUNCTION platform.f() RETURNS text LANGUAGE sql AS 'SELECT ''2''';"
    "GRANT EXECUTE ON FUNCTION platform.f() TO PUBLIC",
}


@pytest.mark.parametrize("change", CHANGES_OF_A_FUNCTION)
def test_function_that_was_there_before_is_what_it_was(
    bare: Bare, fly_online: FlyOnline, owner, admin, dump_schema: Dump, ledger, change
):
    admin.execute("GRANT platform_app TO platform_owner")
    admin.execute("GRANT CREATE ON SCHEMA platform TO platform_app")
    owner.execute(FUNCTION)
    owner.execute("REVOKE EXECUTE ON FUNCTION platform.f() FROM PUBLIC")
    owner.execute("GRANT EXECUTE ON FUNCTION platform.f() TO platform_app")
    owner.execute("COMMENT ON FUNCTION platform.f() IS 'old'")
    before = dump_schema()
    bare(f"{CHANGES_OF_A_FUNCTION[change]};\n{NEVER}")
    with pytest.raises(StatementFailed, match="never"):
        fly_online()
    assert dump_schema() == before
    assert states(owner) == [("rolled_back", "online")]


def test_function_beside_what_cannot_be_taken_back(
    bare: Bare, fly_online: FlyOnline, owner
):
    """The ledger knows functions only."""
    owner.execute("CREATE VIEW platform.v AS SELECT 1 AS one")
    bare(f"CREATE OR REPLACE VIEW platform.v AS SELECT 2 AS one;\n{NEVER}")
    with pytest.raises(RollbackFailed, match="does not say what was there before"):
        fly_online()
