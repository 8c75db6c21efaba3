"""A rollback that has begun is noted: whoever comes later brings it to its end."""

from collections.abc import Iterator
from contextlib import contextmanager

from flows.database.attempt import insist
from flows.database.connection import (
    CONNECT_ATTEMPTS,
    IDLE_LIMIT_MS,
    commit_locally,
    session,
    set_local,
)
from flows.database.events import Event, Kind, append_event
from flows.database.ledger import take_fence, wait_for_fence
from flows.database.queries import query
from flows.migration.errors import (
    Blocked,
    CommitUnknown,
    ConnectionFailed,
    NotReplicated,
    PgflightError,
)
from flows.migration.flight import Flight

_LEAVES_IT_OPEN = (ConnectionFailed, CommitUnknown, NotReplicated)
"""Nobody knows what the database holds, or a standby must be repaired first: the next
run, or a recovery, goes on."""


@contextmanager
def condemned(
    flight: Flight, reason: str, *, has_fence: bool = False
) -> Iterator[None]:
    """Note why the flight's run is taken back, for as long as that is under way.

    When the block ends with an error that leaves the migration in place, the note is
    taken back as well: a person was told, and decides. A process that dies in the
    block leaves the note, and so does one that is stopped, or that is only refused
    what an earlier one has begun.

    Args:
        has_fence: a connection of the caller's holds the fence meanwhile.

    Raises:
        Busy: another deployer is at work.
    """
    # The first reason stays: each try would else tell of the one before it.
    condemn(flight, flight.condemned or reason, has_fence=has_fence)
    try:
        yield
    except _LEAVES_IT_OPEN:
        raise
    except PgflightError as error:
        if isinstance(error, Blocked) and flight.condemned is not None:
            raise
        spare(flight, error.message, has_fence=has_fence)
        raise


def condemn(flight: Flight, reason: str, *, has_fence: bool = False) -> None:
    """Note that the flight's run is to be taken back, before anything of that is done.

    From then on no deployment and no recovery goes on with it.

    Raises:
        Busy: another deployer is at work.
    """
    insist(flight, lambda: _note(flight, "condemned", reason, has_fence))


def spare(flight: Flight, reason: str, *, has_fence: bool = False) -> None:
    """Take that note back: what is in place stays there until somebody decides."""
    insist(flight, lambda: _note(flight, "spared", reason, has_fence))


def _note(flight: Flight, kind: Kind, reason: str, has_fence: bool) -> None:
    purpose = f"{kind} {flight.run_id} {flight.migration.version}"
    run_id, version = flight.in_place_as, flight.migration.version
    with session(flight.target, purpose, attempts=CONNECT_ATTEMPTS) as conn:
        if has_fence:
            set_local(conn, "idle_in_transaction_session_timeout", IDLE_LIMIT_MS)
        elif kind == "spared":
            # Who only looks has it for a moment: the note would stay for that.
            wait_for_fence(conn)
        else:
            take_fence(conn)
        values = {"run_id": run_id, "reason": reason if kind == "condemned" else None}
        if conn.execute(query("update_condemned"), values).rowcount:
            append_event(conn, Event(flight.run_id, run_id, version, kind, reason))
        commit_locally(conn)
