"""The target's identity in its own ledger: pinned by the first accepted deployment."""

from flows.database.connection import Conn, one, rows
from flows.database.queries import query
from flows.migration.pin import Pin


def read_pin(conn: Conn) -> Pin | None:
    """What the ledger says where it is; None before the first deployment.

    None, too, where this role may not read the ledger: that is a finding of its own.
    """
    if not one(conn, "pin_is_readable")["readable"]:
        return None
    for row in rows(conn, "select_pin"):
        return Pin(
            f"{row['database']}@{row['system_identifier']}",
            f"the ledger, since {row['pinned_at']:%Y-%m-%d %H:%M %Z}",
        )
    return None


def pin_target(conn: Conn) -> None:
    """Note where this ledger is, if it does not say so already."""
    if one(conn, "pin_is_readable")["readable"]:
        conn.execute(query("upsert_pin"))
