"""What the database's own figures say about how long a migration will take."""

from collections.abc import Iterable
from typing import Any

from flows.database.connection import Conn, one, rows
from flows.database.ledger import ledger_exists
from flows.database.sessions import kinds_of, tables_by_oid
from flows.migration.estimate import Outlook, Rates
from flows.migration.needs import known_tables
from flows.migration.script import Script

GUESSED_ROW_BYTES = 100
"""Of a table that was never analysed; a short row with its header."""


def read_outlook(conn: Conn, up: Script) -> Outlook:
    """Rows of the tables that a script names, and the rates that the ledger has.

    Raises:
        psycopg.errors.LockNotAvailable: somebody has a table to himself.
    """
    tables = known_tables(up)
    facts = table_facts(conn, tables)
    kinds = kinds_of(conn, tables).items()
    return Outlook(
        rows={name: int(fact["rows"]) for name, fact in facts.items()},
        rates=_rates(conn),
        partitioned=frozenset(name for name, kind in kinds if kind == "p"),
        others=frozenset(name for name, kind in kinds if kind not in "rp"),
    )


def table_facts(conn: Conn, tables: Iterable[str]) -> dict[str, dict[str, Any]]:
    """``rows``, ``bytes`` and ``never_analysed`` of each table that exists.

    Tables are named as they were given.
    """
    names = tables_by_oid(conn, tables)
    found = rows(
        conn, "select_table_facts", tables=list(names), row_bytes=GUESSED_ROW_BYTES
    )
    return {names[fact["oid"]]: fact for fact in found}


def _rates(conn: Conn) -> Rates:
    """The rates of recent deployments; the usual ones where there were none."""
    usual = Rates()
    if not one(conn, "may_keep_ledger")["readable"] or not ledger_exists(conn):
        return usual
    seen = one(conn, "select_rates")
    return Rates(
        fill=float(seen["fill"] or usual.fill),
        fill_online=float(seen["fill_online"] or usual.fill_online),
        scan=usual.scan,
    )
