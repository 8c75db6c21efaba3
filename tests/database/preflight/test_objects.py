"""Preflight of the schema: what stands there before the migration has built it."""

import psycopg
import pytest

from flows.migration.finding import Level
from tests.database.preflight.conftest import Edit, Look, blocking, one
from tests.fix_migrations import Run


def test_empty_place_is_fine(look: Look) -> None:
    assert one(look(), "objects").level is Level.OK


# Missing tables -----------------------------------------------------------------


def test_missing_table_is_found(look: Look, admin: psycopg.Connection) -> None:
    admin.execute("DROP TABLE platform.organizations CASCADE")
    finding = one(look(), "missing-table")
    assert finding.level is Level.BLOCK
    assert "platform.organizations does not exist in database world_" in finding.message
    assert "the right database?" in finding.help


def test_missing_tables_are_named_together(look: Look, write: Edit) -> None:
    write("ALTER TABLE nowhere.a ADD x int; DROP TABLE b;")
    assert "nowhere.a, b do not exist" in one(look("009"), "missing-table").message


@pytest.mark.parametrize(
    "up",
    [
        "DROP TABLE IF EXISTS platform.old",
        "ALTER TABLE IF EXISTS platform.old ADD x int",
        "ALTER TABLE IF EXISTS platform.old RENAME TO older",
        "CREATE TABLE platform.new (a int); ALTER TABLE platform.new ADD x int",
        "ALTER TABLE platform.users RENAME TO people;"
        " ALTER TABLE platform.people ADD x int",
        "CREATE SCHEMA s; ALTER TABLE platform.users SET SCHEMA s;"
        " ALTER TABLE s.users ADD x int",
        "SET LOCAL search_path = platform; ALTER TABLE users ADD x int",
    ],
)
def test_table_that_need_not_be_there_is_not_missed(
    look: Look, write: Edit, up: str
) -> None:
    write(up)
    assert not blocking(look("009"))


def test_view_is_no_missing_table(look: Look, write: Edit, owner) -> None:
    owner.execute("CREATE VIEW platform.emails AS SELECT email FROM platform.users")
    write("CREATE VIEW platform.e AS SELECT * FROM platform.emails")
    assert not blocking(look("009"))


def test_quoted_table_is_no_missing_table(look: Look, write: Edit, owner) -> None:
    owner.execute('CREATE TABLE platform."Odd.Name" ("A" int)')
    write('ALTER TABLE platform."Odd.Name" ADD "B" int')
    assert not blocking(look("009"))


def test_table_found_through_search_path_is_no_missing_table(
    look: Look, write: Edit, admin: psycopg.Connection
) -> None:
    admin.execute("ALTER ROLE platform_owner SET search_path = platform")
    try:
        write("ALTER TABLE users ADD x int")
        assert not blocking(look("009"))
    finally:
        admin.execute("ALTER ROLE platform_owner RESET search_path")


def test_table_that_a_do_block_may_make_does_not_block(look: Look, write: Edit) -> None:
    write(
        "DO $$BEGIN CREATE TABLE platform.t(); END$$; ALTER TABLE platform.t ADD x int"
    )
    finding = one(look("009"), "missing-table")
    assert finding.level is Level.WARNING
    assert "unless a DO or CALL of up.sql makes them" in finding.message


# Other definitions --------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "ALTER TABLE platform.users ADD active_org_id text",
            "column platform.users.active_org_id exists with another definition:"
            " type: expected uuid, found text",
        ),
        (
            "ALTER TABLE platform.users ADD active_org_id uuid;"
            " CREATE INDEX idx_users_active_org ON platform.users (active_org_id)"
            " WHERE active_org_id IS NULL",
            "predicate: expected (active_org_id IS NOT NULL), found (active_org_id IS",
        ),
        (
            "CREATE FUNCTION platform.get_user_active_org(uuid) RETURNS uuid"
            " LANGUAGE sql AS 'SELECT $1'",
            "body: not the one in up.sql",
        ),
        (
            "ALTER TABLE platform.users ADD active_org_id uuid"
            " REFERENCES platform.organizations ON DELETE CASCADE",
            "ON DELETE: expected SET NULL, found CASCADE",
        ),
    ],
)
def test_other_definition_is_found(
    look: Look, owner: psycopg.Connection, change: str, said: str
) -> None:
    owner.execute(change.encode())
    finding = one(look(), "other-definition")
    assert finding.level is Level.BLOCK
    assert said in finding.message
    assert "rename or drop it first" in finding.help


def test_migration_run_by_hand_is_found(look: Look, run: Run) -> None:
    run("008_active_org/up.sql")
    finding = one(look(), "already-there")
    assert finding.level is Level.WARNING
    assert "column platform.users.active_org_id" in finding.message
    assert "A rollback would drop these" in finding.help


F = "CREATE OR REPLACE FUNCTION platform.f() RETURNS int LANGUAGE sql AS 'SELECT {}'"


def test_function_that_down_puts_back_is_meant_to_be_replaced(
    look: Look, write: Edit, owner: psycopg.Connection
) -> None:
    owner.execute(F.format(1).encode())
    write(F.format(2), down=F.format(1))
    assert one(look("009"), "objects").level is Level.OK


def test_function_that_down_drops_is_not(
    look: Look, write: Edit, owner: psycopg.Connection
) -> None:
    owner.execute(F.format(1).encode())
    write(F.format(2), down="DROP FUNCTION platform.f()")
    assert blocking(look("009")) == ["other-definition"]


def test_irreversible_migration_may_replace(
    look: Look, write: Edit, owner: psycopg.Connection
) -> None:
    owner.execute(F.format(1).encode())
    write(F.format(2))
    assert one(look("009"), "other-definition").level is Level.WARNING


def test_column_that_is_only_declared_may_change(look: Look, write: Edit) -> None:
    write(
        "ALTER TABLE platform.users ALTER display_name TYPE varchar(90)",
        down="ALTER TABLE platform.users ALTER display_name TYPE text",
        toml="[[columns]]\ntable = 'platform.users'\nname = 'display_name'\n"
        "type = 'varchar(90)'\nnullable = false\n",
    )
    assert not blocking(look("009"))
