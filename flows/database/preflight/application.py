"""Preflight of the application's role: there, and no role that may do anything."""

from collections.abc import Iterator

from flows.database.connection import rows
from flows.database.preflight.inspection import Inspection, block, ok, warning
from flows.database.sessions import table_oids
from flows.migration.finding import Finding

_HELP = (
    "Name the role that the application logs in as: the target's application role"
    " (PGFLIGHT_APPLICATION_ROLE)."
)


def application_findings(inspection: Inspection) -> Iterator[Finding]:
    """Nothing where the target names no role."""
    role = inspection.target.application_role
    if not role:
        return
    found = rows(inspection.conn, "select_role", role=role)
    if not found:
        yield block(
            "application-role",
            f"There is no application role {role!r} on this server",
            f"{_HELP} It is written as in pg_roles, without quotes.",
        )
        return
    power = _power(inspection, found[0]["oid"], found[0]["is_superuser"])
    if power:
        yield warning(
            "application-role",
            f"The application's role {role} {power}: it may do anything there, so the"
            " checks of what it may use say nothing",
            f"Let the application log in as a role that owns nothing. {_HELP}",
        )
    else:
        yield ok(
            "application-role",
            f"Whether {role} may use what the migration makes is checked before the"
            " COMMIT",
        )


def _power(inspection: Inspection, oid: int, is_superuser: bool) -> str:
    if is_superuser:
        return "is a superuser"
    tables = table_oids(inspection.conn, inspection.tables)
    owned = rows(inspection.conn, "select_owned_by", role=oid, tables=tables)
    return f"owns {', '.join(row['table'] for row in owned)}" if owned else ""
