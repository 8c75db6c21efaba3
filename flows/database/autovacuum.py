"""Having an ordinary autovacuum cancelled before it is in the way.

The server cancels it for whoever has waited for it longer than deadlock_timeout. A
transaction that holds other locks must not wait that long, or an application may be
the victim of a deadlock: so it is waited for ahead, with nothing held.
"""

from collections.abc import Iterable
from contextlib import suppress

import psycopg
from psycopg import sql

from flows.database.connection import session, set_local
from flows.database.sessions import existing_tables
from flows.migration.errors import PgflightError
from flows.migration.flight import Flight

MARGIN_MS = 500


def have_autovacuum_cancelled(flight: Flight, tables: Iterable[str]) -> None:
    """Wait for each table once, in a mode that reads and writes pass by."""
    purpose = f"autovacuum {flight.run_id} {flight.migration.version}"
    patient_ms = flight.identity.deadlock_timeout_ms + MARGIN_MS
    with suppress(PgflightError), session(flight.target, purpose) as conn:
        set_local(conn, "lock_timeout", patient_ms)
        for table in existing_tables(conn, tables):
            # Locked for longer, or not ours to lock: the next attempt says so.
            with suppress(psycopg.Error), conn.transaction():
                # As the migration writes the name, quotes included.
                conn.execute(
                    sql.SQL("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE").format(
                        sql.SQL(table)
                    )
                )
