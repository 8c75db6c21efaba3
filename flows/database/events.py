"""The audit: events in the ledger, of every flight, also of those that failed."""

import getpass
import os
import socket
from dataclasses import asdict, dataclass
from typing import Literal
from uuid import UUID

from flows.database.connection import Conn, rows
from flows.database.queries import query
from flows.migration.outcome import Outcome
from flows.migration.redaction import masked_in

Kind = Literal[
    "started",
    "suspended",
    "approved",
    "declined",
    "applying",
    "applied",
    "verified",
    "accepted",
    "condemned",
    "spared",
    "rolled_back",
    "ended",
]


@dataclass(frozen=True)
class Event:
    """One line of the audit; who and from where are added when it is written.

    Attributes:
        flight_id: the execution of pgflight that it is told by.
        run_id: the deployment that it is about.
        outcome: of a flight that ended.
        detail: a sentence for a person, without secrets.
    """

    flight_id: UUID
    run_id: UUID
    version: str
    kind: Kind
    detail: str = ""
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Settled:
    """What became of a flight that could not say so itself.

    Attributes:
        outcome: None where its run is in place and not at its end.
    """

    flight_id: UUID
    version: str
    outcome: Outcome | None
    detail: str


def append_event(conn: Conn, event: Event) -> None:
    """Add one event, as part of the transaction that it tells of."""
    values = masked_in({**asdict(event), "client": _client()})
    conn.execute(query("insert_event"), values)


def settle_flights(conn: Conn, flight_id: UUID) -> list[Settled]:
    """Note what became of flights that were killed, or that ended UNKNOWN.

    To be called behind claim and fence: nobody is at work, and no old transaction is
    still at its COMMIT.

    Args:
        flight_id: the caller's own, which is not over.
    """
    found = rows(conn, "settle_flights", flight_id=flight_id, client=_client())
    return [
        Settled(**{**row, "outcome": row["outcome"] and Outcome(row["outcome"])})
        for row in found
    ]


def _client() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that no account has.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
