"""The claim as a task: from here on this run, and no other, works on the database."""

from flows.database.claim import claiming, current_claim
from flows.database.logbook import open_flight
from flows.migration.flight import Flight
from flows.tasks.engine import run_log
from flows.tasks.step import changing_step

__all__ = ["claim", "claiming"]


@changing_step("claim")
def claim(flight: Flight) -> Flight:
    """Claim the database for this run, and note in the ledger that it has begun.

    Raises:
        Busy: another run is at work; the message says which and since when.
        Blocked: another run was at work until a moment ago.
    """
    with flight.report.phase("claim"):
        current_claim().take(flight.target, _purpose(flight))
    log = run_log()
    for line in open_flight(flight):
        log.warning("⚠️  %s", line)
    log.info("✅ Nobody else is at work here")
    return flight


def _purpose(flight: Flight) -> str:
    # The server cuts names at 63 bytes: the run's id must not be what is cut.
    return f"{flight.run_id} {flight.migration.version}"
