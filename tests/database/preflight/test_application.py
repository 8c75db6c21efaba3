"""Preflight of the application's role."""

import psycopg

from flows.demo.world import APPLICATION, OWNER
from flows.migration.finding import Level
from tests.database.preflight.conftest import Look, blocking, one


def test_role_that_owns_nothing_is_fine(look: Look) -> None:
    finding = one(look(PGFLIGHT_APPLICATION_ROLE=APPLICATION), "application-role")
    assert finding.level is Level.OK
    assert finding.message.startswith("Whether platform_app may use")


def test_role_that_does_not_exist_blocks(look: Look) -> None:
    findings = look(PGFLIGHT_APPLICATION_ROLE="Platform_app")
    assert blocking(findings) == ["application-role"]
    finding = one(findings, "application-role")
    assert "no application role 'Platform_app' on this server" in finding.message
    assert "PGFLIGHT_APPLICATION_ROLE" in finding.help


def test_owner_as_the_applications_role_is_a_warning(look: Look) -> None:
    finding = one(look(PGFLIGHT_APPLICATION_ROLE=OWNER), "application-role")
    assert finding.level is Level.WARNING
    assert "platform_owner owns" in finding.message
    assert "platform.users: it may do anything there" in finding.message


def test_superuser_as_the_applications_role_is_a_warning(
    look: Look, admin: psycopg.Connection
) -> None:
    finding = one(look(PGFLIGHT_APPLICATION_ROLE="postgres"), "application-role")
    assert finding.level is Level.WARNING
    assert "postgres is a superuser" in finding.message


def test_nothing_is_said_where_no_role_is_told(look: Look) -> None:
    assert "application-role" not in {finding.rule for finding in look()}
