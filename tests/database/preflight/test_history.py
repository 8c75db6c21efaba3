"""Preflight of the ledger: what is applied here, and what that means."""

from pathlib import Path

import psycopg
import pytest

from flows.database.apply import apply
from flows.migration.finding import Level
from tests.database.preflight.conftest import Edit, Look, blocking, one
from tests.fix_flight import MakeFlight


@pytest.fixture
def applied(make_flight: MakeFlight) -> None:
    """Migration 008 is in place."""
    apply(make_flight(), lambda line: None)


def test_new_migration_is_not_applied(look: Look) -> None:
    finding = one(look(), "not-applied")
    assert finding.level is Level.OK
    assert finding.message == "Migration not yet applied, proceeding..."


@pytest.mark.usefixtures("applied")
def test_applied_migration_is_asked_no_more(look: Look) -> None:
    findings = look()
    assert findings[-1].rule == "applied"
    assert findings[-1].level is Level.OK
    assert "by platform_owner; nothing will be sent" in findings[-1].message


@pytest.mark.usefixtures("applied")
def test_rolled_back_migration_may_be_applied(
    look: Look, owner: psycopg.Connection
) -> None:
    owner.execute("UPDATE pgflight.run SET state = 'rolled_back'")
    assert one(look(), "not-applied").level is Level.OK


@pytest.mark.usefixtures("applied")
def test_changed_file_is_found(look: Look, folder: Path) -> None:
    with (folder / "008_active_org" / "up.sql").open("a") as file:
        file.write("-- one more thing\n")
    finding = one(look(), "checksum")
    assert finding.level is Level.BLOCK
    assert "up.sql was changed since it was applied, on 20" in finding.message
    assert "write a new migration" in finding.help


def test_missing_requirement_is_found(look: Look, write: Edit) -> None:
    write("SELECT 1", toml='requires = ["008"]')
    finding = one(look("009"), "requires")
    assert finding.level is Level.BLOCK
    assert finding.message == "Migration 009 requires 008, which is not applied here"
    assert finding.help == "Deploy 008 first."


@pytest.mark.usefixtures("applied")
def test_applied_requirement_is_fine(look: Look, write: Edit) -> None:
    write("SELECT 1", toml='requires = ["008"]')
    assert not blocking(look("009"))


@pytest.mark.usefixtures("applied")
def test_unfinished_requirement_is_found(
    look: Look, write: Edit, owner: psycopg.Connection
) -> None:
    owner.execute("UPDATE pgflight.run SET state = 'applying'")
    write("SELECT 1", toml='requires = ["008"]')
    finding = one(look("009"), "requires")
    assert finding.level is Level.BLOCK
    assert "requires 008, whose deployment is unfinished here" in finding.message


@pytest.mark.usefixtures("applied")
def test_applied_conflict_is_found(look: Look, write: Edit) -> None:
    write("SELECT 1", toml='conflicts = ["008"]')
    finding = one(look("009"), "conflicts")
    assert finding.level is Level.BLOCK
    assert "conflicts with 008, which is applied here" in finding.message
    assert "pgflight rollback 008" in finding.help


def test_absent_conflict_is_fine(look: Look, write: Edit) -> None:
    write("SELECT 1", toml='conflicts = ["008"]')
    assert not blocking(look("009"))
