"""What was built since on what a rollback would drop is named, and nothing changes."""

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.revert import revert
from flows.database.verify import record_verified
from flows.migration.errors import InTheWay
from flows.migration.flight import Flight
from tests.database.conftest import Bare, quiet
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump

LATER = {
    "view platform.v": """CREATE VIEW platform.v AS
      SELECT active_org_id FROM platform.users""",
    "view platform.w": "CREATE VIEW platform.w AS SELECT * FROM platform.v",
    "materialized view platform.m": """CREATE MATERIALIZED VIEW platform.m AS
      SELECT platform.get_user_active_org(id) FROM platform.users""",
    "function platform.plain()": """CREATE FUNCTION platform.plain() RETURNS int
      LANGUAGE plpgsql AS
      'BEGIN RETURN (SELECT count(ACTIVE_ORG_ID) FROM platform.users); END'""",
    "function platform.caller()": """CREATE FUNCTION platform.caller() RETURNS uuid
      LANGUAGE sql AS 'SELECT platform.get_user_active_org(gen_random_uuid())'""",
    "trigger t on platform.users": """CREATE TRIGGER t
      BEFORE UPDATE OF active_org_id ON platform.users FOR EACH ROW
      EXECUTE FUNCTION suppress_redundant_updates_trigger()""",
    "policy p on platform.users": """CREATE POLICY p ON platform.users
      USING (active_org_id IS NULL)""",
    "index platform.i": "CREATE INDEX i ON platform.users (active_org_id, email)",
    "constraint c on platform.users": """ALTER TABLE platform.users
      ADD CONSTRAINT c CHECK (active_org_id IS NOT NULL OR email <> '')""",
    "column platform.users.g": """ALTER TABLE platform.users
      ADD COLUMN g text GENERATED ALWAYS AS (active_org_id::text) STORED""",
    "column platform.organizations.d": """ALTER TABLE platform.organizations
      ADD COLUMN d uuid DEFAULT platform.get_user_active_org(gen_random_uuid())""",
}


@pytest.fixture
def deployed(make_flight: MakeFlight) -> Flight:
    """008 is in place and verified; the flight back."""
    flight = make_flight()
    apply(flight, quiet)
    record_verified(flight, "test")
    return make_flight()


def test_all_that_was_made_since_is_named(
    deployed: Flight, owner: psycopg.Connection, dump_schema: Dump
):
    for statement in LATER.values():
        owner.execute(statement.encode())
    before = dump_schema()
    with pytest.raises(InTheWay) as caught:
        revert(deployed, "test", quiet)
    named = caught.value.message.splitlines()[1:]
    assert named == sorted(LATER)
    assert dump_schema() == before


def test_nothing_is_copied_in_vain(deployed: Flight, owner: psycopg.Connection):
    owner.execute(LATER["view platform.v"].encode())
    with pytest.raises(InTheWay):
        revert(deployed, "test", quiet)
    assert owner.execute("SELECT count(*) FROM pgflight.saved").fetchone() == (0,)


def test_what_has_nothing_to_do_with_it_is_in_nobodys_way(
    deployed: Flight, owner: psycopg.Connection
):
    owner.execute("CREATE VIEW platform.v AS SELECT id, email FROM platform.users")
    owner.execute("CREATE INDEX i ON platform.users (email, display_name)")
    owner.execute(
        "CREATE FUNCTION platform.h() RETURNS text LANGUAGE sql"
        " AS $$ SELECT 'inactive_org_ids, my_active_org_id' $$"
    )
    revert(deployed, "test", quiet)


def test_view_that_was_changed_since_is_named(
    make_flight: MakeFlight, owner: psycopg.Connection
):
    owner.execute("CREATE VIEW platform.v AS SELECT id FROM platform.users")
    flight = make_flight()
    apply(flight, quiet)
    record_verified(flight, "test")
    owner.execute(
        "CREATE OR REPLACE VIEW platform.v AS"
        " SELECT id, active_org_id FROM platform.users"
    )
    with pytest.raises(InTheWay, match=r"view platform\.v"):
        revert(make_flight(), "test", quiet)


def test_foreign_key_to_a_dropped_table_is_named(
    bare: Bare, make_flight: MakeFlight, owner: psycopg.Connection
):
    bare("CREATE TABLE platform.t (id int PRIMARY KEY)", "DROP TABLE platform.t")
    flight = make_flight()
    apply(flight, quiet)
    record_verified(flight, "test")
    owner.execute(
        "CREATE TABLE platform.other (t int CONSTRAINT fk REFERENCES platform.t)"
    )
    owner.execute("CREATE TABLE platform.rows (t platform.t)")
    with pytest.raises(InTheWay) as caught:
        revert(make_flight(), "test", quiet)
    assert "constraint fk on platform.other" in caught.value.message
    assert "column platform.rows.t" in caught.value.message


def test_made_in_the_last_moment_is_in_the_way_too(
    make_flight: MakeFlight, owner: psycopg.Connection, dump_schema: Dump
):
    """Where nobody has noted the catalogue since, the server's own refusal counts."""
    apply(make_flight(), quiet)
    owner.execute(LATER["view platform.v"].encode())
    before = dump_schema()
    with pytest.raises(InTheWay, match=r"depend on it.*\n.*view platform\.v"):
        revert(make_flight(), "test", quiet)
    assert dump_schema() == before
