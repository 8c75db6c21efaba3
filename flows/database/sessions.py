"""Other sessions: who holds locks on the tables that a migration wants."""

from collections.abc import Iterable
from dataclasses import dataclass

from flows.database.connection import Conn, rows


@dataclass(frozen=True)
class Blocker:
    """A session or prepared transaction with a lock on one of the tables.

    Attributes:
        pid: None for a prepared transaction.
        age_s: how long its transaction is open; None where the role may not see it.
    """

    pid: int | None
    relation: str
    modes: str
    backend_type: str | None
    state: str | None
    application_name: str | None
    usename: str | None
    is_wraparound: bool | None
    age_s: float | None

    @property
    def is_autovacuum(self) -> bool:
        return self.backend_type == "autovacuum worker"

    def __str__(self) -> str:
        # No query text: it may hold what nobody else should read.
        if self.pid is None:
            return f"a prepared transaction ({self.modes} on {self.relation})"
        age = f" for {self.age_s:,.0f} s" if self.age_s is not None else ""
        who = self.application_name or self.backend_type or "unknown"
        by = f" of {self.usename}" if self.usename else ""
        return (
            f"pid {self.pid}, {who}{by}, {self.state or 'active'}{age}"
            f" ({self.modes} on {self.relation})"
        )


def read_blockers(conn: Conn, tables: Iterable[str]) -> list[Blocker]:
    """Everyone else with a lock on these tables, the oldest transaction first."""
    found = rows(conn, "select_blockers", tables=list(table_oids(conn, tables)))
    return [Blocker(**row) for row in found]


def describe_blockers(conn: Conn, tables: Iterable[str]) -> list[str]:
    """The five oldest, in words."""
    return [str(blocker) for blocker in read_blockers(conn, tables)[:5]]


def table_oids(conn: Conn, tables: Iterable[str]) -> list[int]:
    """The tables that exist, by oid."""
    found = (rows(conn, "resolve_table", table=table) for table in tables)
    return [row["oid"] for table_rows in found for row in table_rows]
