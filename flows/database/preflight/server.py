"""Preflight of the server: the right one, a primary, writable."""

from collections.abc import Iterator
from typing import Any

from flows.database.connection import Conn
from flows.database.pinning import read_pin
from flows.database.preflight.inspection import block, ok
from flows.migration.finding import Finding
from flows.migration.pin import Pin, complaint, is_elsewhere
from flows.migration.target import Target

OLDEST, NEWEST = 14, 18
"""Supported major versions: those that PostgreSQL itself supports."""


def server_findings(
    conn: Conn, target: Target, found: dict[str, Any]
) -> Iterator[Finding]:
    """Judge one row of select_identity."""
    major = found["version_num"] // 10_000
    if not OLDEST <= major <= NEWEST:
        yield block(
            "server-version",
            f"PostgreSQL {found['version']} is not supported",
            f"pgflight is tested with PostgreSQL {OLDEST} to {NEWEST}.",
        )
    else:
        yield ok("server-version", f"PostgreSQL {found['version']}")
    if found["in_recovery"]:
        yield block(
            "standby",
            "The server is a standby: it takes no writes",
            "Point DATABASE_URL at the primary, or add"
            " ?target_session_attrs=read-write to it.",
        )
    elif found["read_only"]:
        yield block(
            "read-only",
            "Transactions are read-only for this role or database",
            "Look for default_transaction_read_only in ALTER ROLE, ALTER DATABASE and"
            " postgresql.conf.",
        )
    yield from _identity(target, found, read_pin(conn))


def pin_findings(target: Target, actual: str, pin: Pin | None) -> Iterator[Finding]:
    """Judge the identity of the server that answers by what was pinned."""
    if pin and is_elsewhere(pin, actual, target.expected_database):
        yield block("wrong-database", *complaint(pin, actual))


def _identity(
    target: Target, found: dict[str, Any], pin: Pin | None
) -> Iterator[Finding]:
    actual = f"{found['database']}@{found['system_identifier']}"
    wanted = target.expected_database
    if wanted and wanted not in (actual, found["database"]):
        yield block(
            "wrong-database",
            f"The URL leads to {actual}, expected was {wanted}",
            "Correct DATABASE_URL or PGFLIGHT_EXPECTED_DATABASE.",
        )
        return
    elsewhere = list(pin_findings(target, actual, pin))
    yield from elsewhere
    if not elsewhere:
        yield ok("database", f"Database {actual}, as {found['role']}")
