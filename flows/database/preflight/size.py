"""Preflight of size: how much there is, and how long the application would wait."""

from collections.abc import Iterator
from typing import Any

from flows.database.connection import Conn, rows
from flows.database.ledger import read_fill_rate
from flows.database.preflight.inspection import Inspection, block, info
from flows.database.sessions import table_oids
from flows.migration.finding import Finding
from flows.migration.needs import filled_tables
from flows.migration.script import Script

DEFAULT_ROWS_PER_SECOND = 40_000
"""Rows that one transaction fills, indexes and checks on a small server (measured
37,000 to 54,000 on 2 cores); used until the ledger knows this server's own rate."""
BASE_MS = 100
"""DDL, checks and COMMIT of a migration on empty tables (measured)."""


def size_findings(inspection: Inspection) -> Iterator[Finding]:
    """Rows and bytes of each table, and the expected time under lock."""
    for table in _facts(inspection.conn, inspection.tables):
        rows_text = "never analysed" if table["never_analysed"] else "rows"
        yield info(
            "size",
            f"{table['table']}: {table['rows']:,} {rows_text},"
            f" {table['bytes'] / 1024 / 1024:,.1f} MiB with indexes",
        )
    expected_ms = estimate_ms(inspection.conn, inspection.migration.up)
    if expected_ms > inspection.budget_ms:
        yield block(
            "budget",
            f"The application would wait about {expected_ms / 1_000:,.1f} s; the budget"
            f" is {inspection.budget_ms / 1_000:,.1f} s",
            "Raise budget_ms if it may wait that long, or fill the column in batches"
            " from the application.",
        )
    else:
        yield info("duration", f"Expected time under lock: {expected_ms:,.0f} ms")


def estimate_ms(conn: Conn, up: Script) -> float:
    """Expected milliseconds from the first statement to the COMMIT."""
    changed = filled_tables(up)
    rate = read_fill_rate(conn) or DEFAULT_ROWS_PER_SECOND
    touched = sum(table["rows"] for table in _facts(conn, changed))
    return BASE_MS + touched / rate * 1_000


def _facts(conn: Conn, tables: tuple[str, ...]) -> list[dict[str, Any]]:
    return rows(conn, "select_table_facts", tables=table_oids(conn, tables))
