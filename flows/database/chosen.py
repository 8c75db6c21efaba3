"""Applying a migration by the strategy that was chosen for it."""

from flows.database.apply import apply
from flows.database.attempt import Say
from flows.database.online.apply import apply_online
from flows.migration.errors import BudgetExceeded
from flows.migration.flight import Flight
from flows.migration.report import Applied


def apply_as_chosen(flight: Flight, say: Say) -> Applied:
    """Apply it; where one transaction breaks the budget after all, go on online.

    Raises: what `apply` or `apply_online` does.
    """
    applied = _apply(flight, say)
    waits = flight.report.waits_in_vain + applied.waits
    return applied.model_copy(update={"waits": waits})


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
