"""Preflight of size: how much there is, and which strategy that leaves."""

from collections.abc import Iterator
from typing import Any

from psycopg.errors import LockNotAvailable

from flows.database.outlook import read_outlook, table_facts
from flows.database.preflight.inspection import Inspection, block, info, warning
from flows.migration.estimate import Outlook
from flows.migration.finding import Finding
from flows.migration.strategy import Choice


def size_findings(inspection: Inspection) -> Iterator[Finding]:
    """Rows and bytes of each table."""
    try:
        # A savepoint: a size cannot be read while somebody has the table to himself.
        with inspection.conn.transaction():
            facts = table_facts(inspection.conn, inspection.tables)
    except LockNotAvailable:
        yield warning(
            "size",
            "Size and expected duration are not known: another session has one of"
            f" {', '.join(inspection.tables)} locked against everybody",
            "Run again when it is through.",
        )
        return
    for table, fact in sorted(facts.items()):
        yield from _size(table, fact)


def _size(table: str, fact: dict[str, Any]) -> Iterator[Finding]:
    size = f"{fact['bytes'] / 1024 / 1024:,.1f} MiB with indexes"
    yield info("size", f"{table}: about {fact['rows']:,} rows, {size}")
    if fact["never_analysed"]:
        yield warning(
            "never-analysed",
            f"{table} was never analysed: its rows, and so the expected"
            " duration, are guessed from its size",
            f"ANALYZE {table}",
        )


def outlook_of(inspection: Inspection) -> Outlook | None:
    """What the estimates are made from; None where a table's size cannot be read."""
    try:
        with inspection.conn.transaction():
            return read_outlook(inspection.conn, inspection.migration.up)
    except LockNotAvailable:
        return None


def strategy_finding(choice: Choice) -> Finding:
    """The choice as a finding; it blocks where neither strategy will do."""
    if choice.strategy is None:
        return block(
            "strategy", f"Strategy: none will do: {choice.reason}", choice.help
        )
    return info("strategy", f"Strategy {choice.strategy}: {choice.reason}")
