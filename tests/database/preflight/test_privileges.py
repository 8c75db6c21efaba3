"""Preflight of rights: each that lacks, each with a role that lacks it."""

import psycopg
import pytest

from flows.demo.world import World
from flows.migration.finding import Level
from flows.resources import SQL
from tests.database.preflight.conftest import Deployer, Edit, Look, blocking, one


@pytest.fixture
def ledger(owner: psycopg.Connection) -> None:
    owner.execute((SQL / "ledger" / "create.sql").read_bytes())


@pytest.fixture
def almost(deployer: Deployer, world: World) -> Deployer:
    """A role that may do everything but what needs a table's owner."""
    deployer.grant("USAGE, CREATE ON SCHEMA platform")
    deployer.grant(f"CREATE ON DATABASE {world.database}")
    deployer.grant("REFERENCES ON ALL TABLES IN SCHEMA platform")
    deployer.grant("pg_read_all_stats")
    return deployer


def test_owner_may_do_all(look: Look) -> None:
    finding = one(look(), "privileges")
    assert finding.message == "platform_owner may do all that is needed"


def test_other_role_is_not_owner(look: Look, almost: Deployer) -> None:
    findings = look(DATABASE_URL=almost.url)
    assert blocking(findings) == ["owner"]
    assert one(findings, "owner").message == (
        f"{almost.name} must be owner of platform.users, which belongs to"
        " platform_owner"
    )
    assert f"GRANT platform_owner TO {almost.name}" in one(findings, "owner").help


def test_member_of_the_owner_is_as_good(look: Look, deployer: Deployer) -> None:
    deployer.grant("platform_owner")
    assert not blocking(look(DATABASE_URL=deployer.url))


def test_member_who_does_not_inherit_is_not_owner(
    look: Look, deployer: Deployer
) -> None:
    deployer.run(f"ALTER ROLE {deployer.name} NOINHERIT")
    deployer.grant("platform_owner")
    findings = look(DATABASE_URL=deployer.url)
    assert "owner" in blocking(findings)
    assert "does not inherit its rights" in one(findings, "owner").help


def test_role_that_becomes_the_owner_is_as_good(look: Look, deployer: Deployer) -> None:
    deployer.grant("platform_owner")
    deployer.run(f"ALTER ROLE {deployer.name} NOINHERIT")
    deployer.run(f"ALTER ROLE {deployer.name} SET role = platform_owner")
    assert not blocking(look(DATABASE_URL=deployer.url))


def test_reading_a_table_needs_no_owner(
    look: Look, write: Edit, almost: Deployer
) -> None:
    write("CREATE VIEW platform.emails AS SELECT email FROM platform.users")
    assert not blocking(look("009", DATABASE_URL=almost.url))


def test_schema_that_may_not_be_used_is_found(look: Look, deployer: Deployer) -> None:
    finding = one(look(DATABASE_URL=deployer.url), "usage")
    assert finding.level is Level.BLOCK
    assert f"{deployer.name} may not use schema platform" in finding.message
    assert f"GRANT USAGE ON SCHEMA platform TO {deployer.name}" in finding.help


def test_create_on_the_schema_is_needed(look: Look, almost: Deployer) -> None:
    almost.run(f"REVOKE CREATE ON SCHEMA platform FROM {almost.name}")
    finding = one(look(DATABASE_URL=almost.url), "create")
    assert finding.level is Level.BLOCK
    assert "may not create objects in schema platform" in finding.message
    assert f"GRANT CREATE ON SCHEMA platform TO {almost.name}" in finding.help


@pytest.mark.parametrize(
    "up",
    [
        'CREATE TABLE "Odd.Schema".t (a int)',
        'CREATE VIEW "Odd.Schema".v AS SELECT 1',
        "CREATE FUNCTION \"Odd.Schema\".f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_create_is_needed_for_each_kind(
    look: Look, write: Edit, almost: Deployer, up: str
) -> None:
    almost.run('CREATE SCHEMA "Odd.Schema"')
    write(up)
    findings = look("009", DATABASE_URL=almost.url)
    assert blocking(findings) == ["create"]
    assert 'GRANT CREATE ON SCHEMA "Odd.Schema" TO' in one(findings, "create").help


def test_new_schema_needs_no_right_in_it(
    look: Look, write: Edit, almost: Deployer
) -> None:
    write("CREATE SCHEMA fresh; CREATE TABLE fresh.t (a int)")
    assert not blocking(look("009", DATABASE_URL=almost.url))


def test_references_is_needed(look: Look, almost: Deployer) -> None:
    almost.run(f"REVOKE REFERENCES ON platform.organizations FROM {almost.name}")
    finding = one(look(DATABASE_URL=almost.url), "references")
    assert finding.level is Level.BLOCK
    assert "foreign key to platform.organizations" in finding.message
    assert "GRANT REFERENCES ON platform.organizations" in finding.help


def test_references_on_the_column_is_enough(look: Look, almost: Deployer) -> None:
    almost.run(f"REVOKE REFERENCES ON platform.organizations FROM {almost.name}")
    almost.grant("REFERENCES (id) ON platform.organizations")
    assert blocking(look(DATABASE_URL=almost.url)) == ["owner"]


def test_ledger_that_cannot_be_made_is_found(
    look: Look, almost: Deployer, world: World
) -> None:
    almost.run(f"REVOKE CREATE ON DATABASE {world.database} FROM {almost.name}")
    finding = one(look(DATABASE_URL=almost.url), "ledger")
    assert finding.level is Level.BLOCK
    assert "may not create the ledger" in finding.message
    assert f"GRANT CREATE ON DATABASE {world.database} TO {almost.name}" in finding.help


@pytest.mark.usefixtures("ledger")
def test_ledger_that_may_not_be_read_is_found(look: Look, almost: Deployer) -> None:
    """It may hold the migration, so preflight does not call it "not yet applied"."""
    findings = look(DATABASE_URL=almost.url)
    assert "may not read and write the ledger" in one(findings, "ledger").message
    assert "not-applied" not in {finding.rule for finding in findings}
    assert one(findings, "strategy").level is Level.INFO


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("rights", ["SELECT", "SELECT, INSERT", "SELECT, UPDATE"])
def test_ledger_that_may_not_be_written_is_found(
    look: Look, almost: Deployer, rights: str
) -> None:
    almost.grant("USAGE ON SCHEMA pgflight")
    almost.grant(f"{rights} ON ALL TABLES IN SCHEMA pgflight")
    findings = look(DATABASE_URL=almost.url)
    assert one(findings, "ledger").level is Level.BLOCK
    assert one(findings, "not-applied").level is Level.OK


@pytest.mark.usefixtures("ledger")
def test_grants_that_help_tells_are_enough(look: Look, almost: Deployer) -> None:
    for statement in one(look(DATABASE_URL=almost.url), "ledger").help.split("; "):
        almost.run(statement[statement.index("GRANT") :])
    assert blocking(look(DATABASE_URL=almost.url)) == ["owner"]
