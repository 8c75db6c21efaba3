"""Other sessions: who holds locks on the tables that a migration wants."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flows.database.connection import Conn, rows


@dataclass(frozen=True)
class Blocker:
    """A session or prepared transaction with a lock on one of the tables.

    Attributes:
        pid: None for a prepared transaction.
        gid: a prepared transaction's name.
        table: as the migration writes it; the lock may be on a partition of it.
        modes: of its locks, such as ``ROW EXCLUSIVE``.
        age_s: how long its transaction is open; None where the role may not see it.
    """

    pid: int | None
    gid: str | None
    table: str
    modes: tuple[str, ...]
    backend_type: str | None
    state: str | None
    application_name: str | None
    usename: str | None
    is_wraparound: bool | None
    age_s: float | None

    @property
    def is_prepared(self) -> bool:
        return self.pid is None

    @property
    def is_autovacuum(self) -> bool:
        return self.backend_type == "autovacuum worker"

    def __str__(self) -> str:
        # No query text: it may hold what nobody else should read.
        age = f" for {self.age_s:,.0f} s" if self.age_s is not None else ""
        by = f" of {self.usename}" if self.usename else ""
        locks = f"({', '.join(self.modes)} on {self.table})"
        if self.is_prepared:
            return f"prepared transaction {self.gid!r}{by}, open{age} {locks}"
        who = self.application_name or self.backend_type or "unknown"
        return f"pid {self.pid}, {who}{by}, {self.state or 'active'}{age} {locks}"


def read_blockers(conn: Conn, tables: Iterable[str]) -> list[Blocker]:
    """Everyone else with a lock on these tables, the oldest transaction first."""
    names = tables_by_oid(conn, tables)
    found = rows(conn, "select_blockers", tables=list(names))
    return [
        Blocker(table=names[row.pop("oid")], modes=tuple(row.pop("modes")), **row)
        for row in found
    ]


def describe_blockers(conn: Conn, tables: Iterable[str]) -> list[str]:
    """The five oldest, in words."""
    return [str(blocker) for blocker in read_blockers(conn, tables)[:5]]


def table_oids(conn: Conn, tables: Iterable[str]) -> list[int]:
    """Those of the tables and views that exist."""
    return list(tables_by_oid(conn, tables))


def tables_by_oid(conn: Conn, tables: Iterable[str]) -> dict[int, str]:
    """The tables and views that exist, with their names as given."""
    return {row["oid"]: row["name"] for row in _relations(conn, tables)}


def existing_tables(conn: Conn, tables: Iterable[str]) -> tuple[str, ...]:
    """The tables and views that exist, in the order and spelling that is given."""
    wanted = list(tables)
    found = {row["name"] for row in _relations(conn, wanted)}
    return tuple(name for name in wanted if name in found)


def kinds_of(conn: Conn, tables: Iterable[str]) -> dict[str, str]:
    """pg_class.relkind of the tables and views that exist, by their names as given."""
    return {row["name"]: row["kind"] for row in _relations(conn, tables)}


def _relations(conn: Conn, names: Iterable[str]) -> list[dict[str, Any]]:
    return rows(conn, "select_relations", names=list(names))
