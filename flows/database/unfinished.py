"""Runs that were left unfinished: killed, cut off, or stopped in mid-rollback."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flows.database.connection import (
    CONNECT_ATTEMPTS,
    Conn,
    commit_locally,
    one,
    reading,
    rows,
)
from flows.database.events import Settled, settle_flights
from flows.database.ledger import ledger_exists, wait_for_fence
from flows.database.preflight.server import pin_findings, server_findings
from flows.migration.errors import NotCleared
from flows.migration.finding import Level
from flows.migration.outcome import Outcome
from flows.migration.pin import Pin
from flows.migration.target import Target

_LEFT_TO_A_PERSON = (Outcome.NEEDS_DECISION, Outcome.ROLLBACK_FAILED)


@dataclass(frozen=True)
class Unfinished:
    """A run that is neither accepted nor rolled back.

    Attributes:
        condemned: why it was being rolled back, if it was.
        last_outcome: what the last flight said of it; None if that was killed.
    """

    run_id: UUID
    version: str
    state: str
    condemned: str | None
    last_outcome: Outcome | None

    @property
    def waits_for_a_person(self) -> bool:
        """Somebody was told that it cannot be decided without them."""
        return self.condemned is None and self.last_outcome in _LEFT_TO_A_PERSON


@dataclass(frozen=True)
class Found:
    """What a recovery has to do.

    Attributes:
        settled: flights that were killed or UNKNOWN, with what became of them.
    """

    runs: list[Unfinished]
    settled: list[Settled]


def is_anything_left(target: Target, flight_id: UUID, pin: Pin | None) -> bool:
    """Whether there is anything to recover, also by who is still at work.

    Without the claim: what looks every few minutes must not be in a deployment's way.

    Raises:
        NotCleared: this is not the server, or not the database, that was meant.
    """
    purpose = f"recover {flight_id}"
    with reading(target, purpose, attempts=CONNECT_ATTEMPTS) as conn:
        assert_right_place(conn, target, pin)
        return ledger_exists(conn) and bool(one(conn, "anything_left")["found"])


def find_unfinished(target: Target, flight_id: UUID, pin: Pin | None) -> Found:
    """Look for unfinished runs; call it under the claim, so that nobody is at work.

    Args:
        pin: where the URL led before, as far as that is known outside of the ledger.

    Raises:
        NotCleared: this is not the server, or not the database, that was meant.
    """
    purpose = f"recover {flight_id}"
    with reading(target, purpose, attempts=CONNECT_ATTEMPTS) as conn:
        assert_right_place(conn, target, pin)
        if not ledger_exists(conn):
            return Found([], [])
        wait_for_fence(conn)
        settled = settle_flights(conn, flight_id)
        runs = [_unfinished(row) for row in rows(conn, "select_unfinished")]
        commit_locally(conn)
    return Found(runs, settled)


def assert_right_place(conn: Conn, target: Target, pin: Pin | None) -> None:
    """Ask what preflight asks of the server itself, and nothing else.

    Raises:
        NotCleared: this is not the server, or not the database, that was meant.
    """
    facts = one(conn, "select_identity")
    actual = f"{facts['database']}@{facts['system_identifier']}"
    findings = list(server_findings(conn, target, facts))
    findings += pin_findings(target, actual, pin)
    blocking = [finding for finding in findings if finding.level is Level.BLOCK]
    if blocking:
        raise NotCleared(
            "\n".join(finding.message for finding in blocking),
            "\n".join(finding.help for finding in blocking),
        )


def _unfinished(row: dict[str, Any]) -> Unfinished:
    last = row.pop("last_outcome")
    return Unfinished(**row, last_outcome=Outcome(last) if last else None)
