"""Preflight of replication: what this migration means to those who follow."""

from collections.abc import Iterator

from flows.database.connection import one, rows
from flows.database.preflight.inspection import Inspection, block, info, ok, warning
from flows.database.sessions import table_oids
from flows.migration.finding import Finding

LAG_BYTES = 64 * 1024 * 1024
"""Four WAL segments behind: the standby is not keeping up even now."""


def replication_findings(inspection: Inspection) -> Iterator[Finding]:
    """Standbys and their lag, synchronous commit, publications, slots, DDL triggers."""
    found = [
        *_standbys(inspection),
        *_logical(inspection),
        *_event_triggers(inspection),
    ]
    yield from found
    if not found:
        yield ok("replication", "No replication to disturb")


def _standbys(inspection: Inspection) -> Iterator[Finding]:
    standbys = rows(inspection.conn, "select_standbys")
    settings = one(inspection.conn, "select_replication_settings")
    names = settings["synchronous_standby_names"]
    waits = settings["synchronous_commit"] not in ("off", "local")
    is_served = any(standby["sync_state"] in ("sync", "quorum") for standby in standbys)
    if names and waits and not is_served and inspection.sees_sessions:
        yield block(
            "synchronous-standby",
            f"COMMIT would hang, with all locks held: synchronous_standby_names is"
            f" {names!r} and no such standby is connected",
            "Bring the standby back, or empty synchronous_standby_names.",
        )
    for standby in standbys:
        lag = standby["lag_bytes"]
        if lag is None:
            yield info(
                "standby-lag", f"Standby {standby['application_name']}: lag not known"
            )
        elif lag > LAG_BYTES:
            yield warning(
                "standby-lag",
                f"Standby {standby['application_name']} is"
                f" {lag / 1024 / 1024:,.0f} MiB behind; readers there will see the new"
                " schema that much later",
                "Wait until it has caught up.",
            )
        else:
            yield info("standby-lag", f"Standby {standby['application_name']} keeps up")


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
        retained = row["retained_bytes"] or 0
        yield warning(
            "inactive-slot",
            f"Replication slot {row['slot']} is inactive and holds"
            f" {retained / 1024 / 1024:,.0f} MiB of WAL; the migration adds to it",
            "Drop the slot if nobody will come back for it.",
        )


def _event_triggers(inspection: Inspection) -> Iterator[Finding]:
    for row in rows(inspection.conn, "select_event_triggers"):
        yield info(
            "event-trigger",
            f"Event trigger {row['name']} will run on {row['event']}",
            "It can veto or slow down every DDL statement.",
        )
