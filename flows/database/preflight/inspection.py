"""What every area of preflight is given, and how it words what it finds."""

from dataclasses import dataclass

from flows.database.connection import Conn
from flows.database.ledger import Run
from flows.migration.finding import Finding, Level
from flows.migration.flight import Identity
from flows.migration.folder import Migration
from flows.migration.target import Target


@dataclass(frozen=True)
class Inspection:
    """One migration held against one database, in one read-only transaction.

    Attributes:
        tables: the tables and views that up.sql names and that exist, as it writes
            them.
        sees_sessions: whether the role may see what other sessions do.
    """

    conn: Conn
    target: Target
    migration: Migration
    identity: Identity
    budget_ms: int
    runs: dict[str, Run]
    tables: tuple[str, ...]
    sees_sessions: bool


def ok(rule: str, message: str) -> Finding:
    return Finding(level=Level.OK, rule=rule, message=message)


def info(rule: str, message: str, help: str = "") -> Finding:
    return Finding(level=Level.INFO, rule=rule, message=message, help=help)


def warning(rule: str, message: str, help: str) -> Finding:
    return Finding(level=Level.WARNING, rule=rule, message=message, help=help)


def block(rule: str, message: str, help: str) -> Finding:
    return Finding(level=Level.BLOCK, rule=rule, message=message, help=help)
