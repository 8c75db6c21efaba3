"""Preflight of size: how much there is, and how long the application would wait."""

from collections.abc import Iterable, Iterator
from typing import Any

from psycopg.errors import LockNotAvailable

from flows.database.connection import Conn, rows
from flows.database.preflight.inspection import Inspection, block, info, warning
from flows.database.sessions import table_oids
from flows.migration.finding import Finding
from flows.migration.needs import filled_tables
from flows.migration.online.refusal import refusal_of
from flows.migration.script import Script
from flows.migration.strategy import Choice, Wish, choose

DEFAULT_ROWS_PER_SECOND = 40_000
"""Rows that one transaction fills, indexes and checks on a small server (measured
37,000 to 54,000 on 2 cores); used until the ledger knows this server's own rate."""
BASE_MS = 100
"""DDL, checks and COMMIT of a migration on empty tables (measured)."""
GUESSED_ROW_BYTES = 100
"""Of a table that was never analysed; a short row with its header."""


def size_findings(inspection: Inspection) -> Iterator[Finding]:
    """Rows and bytes of each table."""
    try:
        # A savepoint: a size cannot be read while somebody has the table to himself.
        with inspection.conn.transaction():
            facts = _facts(inspection.conn, inspection.tables)
    except LockNotAvailable:
        yield warning(
            "size",
            "Size and expected duration are not known: another session has one of"
            f" {', '.join(inspection.tables)} locked against everybody",
            "Run again when it is through.",
        )
        return
    for table in facts:
        yield from _size(table)


def _size(table: dict[str, Any]) -> Iterator[Finding]:
    size = f"{table['bytes'] / 1024 / 1024:,.1f} MiB with indexes"
    yield info("size", f"{table['table']}: about {table['rows']:,} rows, {size}")
    if table["never_analysed"]:
        yield warning(
            "never-analysed",
            f"{table['table']} was never analysed: its rows, and so the expected"
            " duration, are guessed from its size",
            f"ANALYZE {table['table']}",
        )


def choice_of(inspection: Inspection, wish: Wish) -> Choice:
    """Which strategy fits the budget, from the sizes and the syntax tree."""
    try:
        with inspection.conn.transaction():
            expected_ms = estimate_ms(
                inspection.conn, inspection.migration.up, inspection.fill_rate
            )
    except LockNotAvailable:
        expected_ms = None
    return choose(
        wish, expected_ms, inspection.budget_ms, refusal_of(inspection.migration.up)
    )


def choice_finding(choice: Choice) -> Finding:
    """The choice as a finding; it blocks where neither strategy will do."""
    if choice.strategy is None:
        return block("strategy", choice.reason, choice.help)
    return info("strategy", f"{choice.strategy}: {choice.reason}")


def estimate_ms(conn: Conn, up: Script, fill_rate: float | None) -> float:
    """Expected milliseconds from the first statement to the COMMIT.

    An UPDATE counts with all rows of its table, whatever its WHERE.

    Args:
        fill_rate: rows a second; None where the ledger does not know it.
    """
    facts = _facts(conn, filled_tables(up))
    touched = sum(int(table["rows"]) for table in facts)
    return BASE_MS + touched / (fill_rate or DEFAULT_ROWS_PER_SECOND) * 1_000


def _facts(conn: Conn, tables: Iterable[str]) -> list[dict[str, Any]]:
    oids = table_oids(conn, tables)
    return rows(conn, "select_table_facts", tables=oids, row_bytes=GUESSED_ROW_BYTES)
