"""Preflight of replication: standbys, publications, slots and event triggers."""

from collections.abc import Iterator

import psycopg
import pytest

from flows.migration.finding import Level
from flows.resources import SQL
from tests.database.preflight.conftest import Deployer, Edit, Look, blocking, one


def test_server_without_replication_is_fine(look: Look) -> None:
    assert one(look(), "replication").message == "No replication to disturb"


def test_publication_of_the_table_is_found(
    look: Look, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE PUBLICATION feed FOR TABLE platform.users")
    finding = one(look(), "publication")
    assert finding.level is Level.WARNING
    assert "platform.users is published by feed" in finding.message
    assert "Add the columns on the subscribers first." in finding.help


def test_publication_of_a_partition_is_found(
    look: Look, write: Edit, admin: psycopg.Connection, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE platform.log (a int) PARTITION BY LIST (a)")
    owner.execute("CREATE TABLE platform.log1 PARTITION OF platform.log DEFAULT")
    admin.execute("CREATE PUBLICATION feed FOR TABLE platform.log1")
    write("ALTER TABLE platform.log ADD b int")
    assert "platform.log is published" in one(look("009"), "publication").message


def test_publication_of_other_tables_is_fine(
    look: Look, admin: psycopg.Connection, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE platform.other (a int)")
    admin.execute("CREATE PUBLICATION feed FOR TABLE platform.other")
    assert one(look(), "replication").level is Level.OK


def test_publication_in_a_closed_schema_is_no_obstacle(
    look: Look, admin: psycopg.Connection, deployer: Deployer
) -> None:
    admin.execute("CREATE SCHEMA closed; CREATE TABLE closed.t (a int)")
    admin.execute("CREATE PUBLICATION feed FOR ALL TABLES")
    deployer.grant("platform_owner")
    findings = look(DATABASE_URL=deployer.url)
    published = [f.message for f in findings if f.rule == "publication"]
    assert len(published) == 3
    assert not blocking(findings)


@pytest.fixture
def subscriber(admin: psycopg.Connection) -> Iterator[None]:
    admin.execute("SELECT pg_create_logical_replication_slot('sub', 'pgoutput')")
    yield
    admin.execute("SELECT pg_drop_replication_slot('sub')")


@pytest.mark.usefixtures("subscriber")
def test_new_ledger_would_stop_subscribers_to_everything(
    look: Look, admin: psycopg.Connection, owner: psycopg.Connection
) -> None:
    admin.execute("CREATE PUBLICATION feed FOR ALL TABLES")
    finding = one(look(), "ledger-published")
    assert finding.level is Level.BLOCK
    assert "feed publishes all tables" in finding.message
    # What its help says.
    owner.execute((SQL / "ledger" / "create.sql").read_bytes())
    assert not blocking(look())


def test_new_ledger_is_published_to_nobody_yet(
    look: Look, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE PUBLICATION feed FOR ALL TABLES")
    assert one(look(), "ledger-published").level is Level.WARNING


def test_inactive_slot_is_found(look: Look, admin: psycopg.Connection) -> None:
    admin.execute("SELECT pg_create_physical_replication_slot('gone', true)")
    try:
        finding = one(look(), "inactive-slot")
        assert finding.level is Level.WARNING
        assert "Replication slot gone is inactive and holds" in finding.message
        assert "pg_drop_replication_slot('gone')" in finding.help
    finally:
        admin.execute("SELECT pg_drop_replication_slot('gone')")


@pytest.fixture
def event_trigger(admin: psycopg.Connection) -> None:
    admin.execute(
        "CREATE FUNCTION audit() RETURNS event_trigger LANGUAGE plpgsql AS"
        " 'BEGIN END'; CREATE EVENT TRIGGER audit ON ddl_command_end"
        " EXECUTE FUNCTION audit()"
    )


@pytest.mark.usefixtures("event_trigger")
def test_event_trigger_is_found(look: Look) -> None:
    finding = one(look(), "event-trigger")
    assert finding.level is Level.INFO
    assert finding.message == "Event trigger audit will run on ddl_command_end"


@pytest.mark.usefixtures("event_trigger")
def test_disabled_event_trigger_is_fine(look: Look, admin: psycopg.Connection) -> None:
    admin.execute("ALTER EVENT TRIGGER audit DISABLE")
    assert one(look(), "replication").level is Level.OK
