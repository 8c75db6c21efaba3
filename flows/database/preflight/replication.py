"""Preflight of replication: what this migration means to those who follow."""

import re
from collections.abc import Iterator
from typing import Any

from flows.database.connection import one, rows
from flows.database.preflight.inspection import Inspection, block, info, ok, warning
from flows.database.sessions import table_oids
from flows.migration.finding import Finding
from flows.resources import SQL

LAG_BYTES = 64 * 1024 * 1024
"""Four WAL segments behind: the standby is not keeping up even now."""


def replication_findings(inspection: Inspection) -> Iterator[Finding]:
    """Standbys and their lag, synchronous commit, publications, slots, DDL triggers."""
    found = [
        *_standbys(inspection),
        *_logical(inspection),
        *_subscribers(inspection),
        *_event_triggers(inspection),
    ]
    yield from found
    if not found:
        yield ok("replication", "No replication to disturb")


def _standbys(inspection: Inspection) -> Iterator[Finding]:
    # Without pg_read_all_stats a standby is a row of NULLs; "blind" says so.
    if not inspection.sees_sessions:
        return
    standbys = rows(inspection.conn, "select_standbys")
    yield from _synchronous(inspection, standbys)
    for standby in standbys:
        lag = standby["lag_bytes"]
        name = f"Standby {standby['name']}"
        if lag is None:
            yield info("standby-lag", f"{name}: lag not known")
        elif lag > LAG_BYTES:
            yield warning(
                "standby-lag",
                f"{name} is {lag / 1024 / 1024:,.0f} MiB behind; readers there will see"
                " the new schema that much later",
                "Wait until it has caught up.",
            )
        else:
            yield info("standby-lag", f"{name} keeps up")


def _synchronous(
    inspection: Inspection, standbys: list[dict[str, Any]]
) -> Iterator[Finding]:
    settings = one(inspection.conn, "select_replication_settings")
    names = settings["synchronous_standby_names"]
    waits = names and settings["synchronous_commit"] not in ("off", "local")
    served = sum(standby["sync_state"] in ("sync", "quorum") for standby in standbys)
    if waits and served < _standbys_needed(names):
        yield block(
            "synchronous-standby",
            "COMMIT would hang, with all locks held: synchronous_standby_names is"
            f" {names!r}, and of these {served} are connected",
            "Bring the standby back, or change synchronous_standby_names.",
        )


def _standbys_needed(names: str) -> int:
    """How many a COMMIT waits for: ``2`` of ``ANY 2 (a, b, c)``, otherwise one."""
    number = re.match(r"\s*(?:ANY|FIRST)?\s*(\d+)\s*\(", names, re.IGNORECASE)
    return int(number[1]) if number else 1


def _logical(inspection: Inspection) -> Iterator[Finding]:
    oids = table_oids(inspection.conn, inspection.tables)
    for row in rows(inspection.conn, "select_publications", tables=oids):
        yield warning(
            "publication",
            f"{row['table']} is published by {row['publication']}: DDL is not"
            " replicated, and a subscriber without the new columns stops applying",
            "Add the columns on the subscribers first.",
        )
    for row in rows(inspection.conn, "select_slots"):
        retained = row["retained_bytes"]
        yield warning(
            "inactive-slot",
            f"Replication slot {row['slot']} is inactive and holds"
            f" {retained / 1024 / 1024:,.0f} MiB of WAL; the migration adds to it",
            "If nobody will come back for it: SELECT"
            f" pg_drop_replication_slot('{row['slot']}')",
        )


def _subscribers(inspection: Inspection) -> Iterator[Finding]:
    """Where everything is published, the first deployment publishes the ledger too.

    A subscriber that has no such tables stops at the first row of it, for good, and
    its slot keeps all WAL from then on.
    """
    conn = inspection.conn
    names = [row["name"] for row in rows(conn, "select_publications_of_all")]
    if not names or one(conn, "may_keep_ledger")["found"]:
        return
    file = SQL / "ledger" / "create.sql"
    message = (
        f"{', '.join(names)} publishes all tables, and this first deployment makes the"
        " ledger's (schema pgflight): a subscriber without them stops applying"
    )
    how = f"Run {file} in each subscriber's database as well, and there first"
    if one(conn, "has_subscribers")["has"]:
        yield block("ledger-published", message, f"{how}; then here; then deploy.")
    else:
        yield warning("ledger-published", message, f"{how}. Nobody subscribes now.")


def _event_triggers(inspection: Inspection) -> Iterator[Finding]:
    for row in rows(inspection.conn, "select_event_triggers"):
        yield info(
            "event-trigger",
            f"Event trigger {row['name']} will run on {row['event']}",
            "It can veto or slow down every DDL statement.",
        )
