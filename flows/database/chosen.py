"""Applying a migration by the strategy that was chosen for it."""

from contextlib import suppress

from flows.database.apply import apply
from flows.database.attempt import Say
from flows.database.connection import (
    IDLE_LIMIT_MS,
    commit_locally,
    reading,
    set_local,
)
from flows.database.fingerprint import take_fingerprint
from flows.database.ledger import record_after
from flows.database.online.apply import apply_online
from flows.migration.errors import BudgetExceeded, ConnectionFailed, QueryFailed
from flows.migration.flight import Flight
from flows.migration.report import Applied


def apply_as_chosen(flight: Flight, say: Say) -> Applied:
    """Apply it; where one transaction breaks the budget after all, go on online.

    Raises: what `apply` or `apply_online` does.
    """
    applied = _apply(flight, say)
    waits = flight.report.waits_in_vain + applied.waits
    applied = applied.model_copy(update={"waits": waits})
    with suppress(ConnectionFailed, QueryFailed):
        # Otherwise the verification does; what others change until then looks like
        # the migration's.
        _record_after(flight, applied)
    return applied


def _record_after(flight: Flight, applied: Applied) -> None:
    """Keep the catalogue as it is right behind the COMMIT: under it, all would wait."""
    with reading(flight.target, f"{flight.migration.version} after") as conn:
        set_local(conn, "idle_in_transaction_session_timeout", IDLE_LIMIT_MS)
        record_after(conn, flight.in_place_as, take_fingerprint(conn), applied)
        commit_locally(conn)


def _apply(flight: Flight, say: Say) -> Applied:
    if flight.choice.strategy == "online":
        return apply_online(flight, say)
    try:
        return apply(flight, say)
    except BudgetExceeded as error:
        if not flight.choice.falls_back:
            raise
        say(f"{error.message}; nothing was written. Going on in short steps")
    return apply_online(flight, say)
