"""A rollback that has begun is noted: whoever comes later brings it to its end."""

from collections.abc import Iterator
from contextlib import contextmanager

from flows.database.attempt import insist
from flows.database.connection import (
    CONNECT_ATTEMPTS,
    commit_locally,
    session,
)
from flows.database.events import Event, Kind, append_event
from flows.database.ledger import take_fence
from flows.database.queries import query
from flows.migration.errors import CommitUnknown, ConnectionFailed, PgflightError
from flows.migration.flight import Flight

_LEAVES_IT_OPEN = (ConnectionFailed, CommitUnknown)
"""Nobody knows what the database holds: the next run, or a recovery, goes on."""


@contextmanager
def condemned(flight: Flight, reason: str) -> Iterator[None]:
    """Note why the flight's run is taken back, for as long as that is under way.

    When the block ends with an error that leaves the migration in place, the note is
    taken back as well: a person was told, and decides. A process that dies in the
    block leaves the note, and so does one that is stopped.

    Raises:
        Busy: another deployer is at work.
    """
    insist(flight, lambda: _note(flight, "condemned", reason))
    try:
        yield
    except _LEAVES_IT_OPEN:
        raise
    except PgflightError as error:
        told = error.message
        insist(flight, lambda: _note(flight, "spared", told))
        raise


def _note(flight: Flight, kind: Kind, reason: str) -> None:
    purpose = f"{kind} {flight.run_id} {flight.migration.version}"
    run_id, version = flight.in_place_as, flight.migration.version
    with session(flight.target, purpose, attempts=CONNECT_ATTEMPTS) as conn:
        take_fence(conn)
        values = {"run_id": run_id, "reason": reason if kind == "condemned" else None}
        if conn.execute(query("update_condemned"), values).rowcount:
            append_event(conn, Event(flight.run_id, run_id, version, kind, reason))
        commit_locally(conn)
