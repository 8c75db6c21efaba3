"""The guards of the product, each of which can be switched off in a pilot of ours.

Only in the pilot's own process, and by replacing functions: the product has no switch.
"""

from collections.abc import Callable
from typing import Any

import psycopg

from flows.database import apply, attempt, commit, keeping, transaction
from flows.database.claim import Claim
from flows.database.connection import Conn, one, session
from flows.database.fingerprint import Fingerprint
from flows.database.ledger import FENCE_KEY, record_applied, take_fence
from flows.migration import refusals
from flows.migration.commit_state import CommitState
from flows.migration.errors import ConnectionFailed
from flows.migration.flight import Flight
from flows.migration.redaction import Redaction

_GUARDS: dict[str, Callable[[], None]] = {}
Switch = Callable[[], None]


def switch_off(guard: str) -> None:
    """Fly without it from here on: in this process only."""
    _GUARDS[guard]()


def guards() -> list[str]:
    return list(_GUARDS)


def _guard(name: str) -> Callable[[Switch], Switch]:
    def keep(switch: Switch) -> Switch:
        _GUARDS[name] = switch
        return switch

    return keep


@_guard("the claim and the fence")
def _no_fence() -> None:
    """Everybody works at the same time, and nobody waits for a COMMIT in doubt."""

    def only_id(conn: Conn, key: int = 0) -> str:
        row = conn.execute("SELECT pg_current_xact_id()::text AS xid").fetchone()
        assert row
        return str(row["xid"])

    def no_wait(conn: Conn, name: str, /, **parameters: object) -> dict[str, Any]:
        return {} if name == "wait_for_fence" else one(conn, name, **parameters)

    _replace(transaction, "take_fence", only_id)
    _replace(commit, "one", no_wait)
    _replace(Claim, "take", lambda claim, target, purpose: None)
    _replace(Claim, "renew", lambda claim: None)


@_guard("the ledger row in the transaction")
def _row_afterwards() -> None:
    """The row is written once the COMMIT is through, as most tools do."""
    kept: list[tuple[dict[str, Any], Fingerprint]] = []

    def keep(conn: Conn, values: dict[str, Any], before: Fingerprint) -> None:
        kept.append((values, before))

    def then_record(flight: Flight, *rest: Any) -> Any:
        committed = attempt.commit_once(flight, *rest)
        with session(flight.target, "ledger") as conn:
            record_applied(conn, *kept[-1])
            conn.commit()
        return committed

    _replace(apply, "record_applied", keep)
    _replace(apply, "commit_once", then_record)


@_guard("the refusal of transaction control")
def _no_refusal() -> None:
    """What the parser would have seen is left to the tripwire."""
    _replace(refusals, "_transaction_control", lambda node: iter(()))


@_guard("the tripwire")
def _no_tripwire() -> None:
    _no_refusal()

    def nothing(self: object, where: str, summary: str, started: float) -> None:
        """Look at nothing."""

    _replace(transaction.FencedTransaction, "_check_tripwire", nothing)


@_guard("no retry once COMMIT was sent")
def _retry_blindly() -> None:
    """What is lost is taken for rolled back, and tried again."""

    def send(conn: Conn, flight: Flight, *rest: object) -> commit.Answer:
        try:
            conn.commit()
        except psycopg.Error as error:
            raise ConnectionFailed(str(error)) from None
        return commit.Answer(CommitState.ACKED)

    _replace(attempt, "commit", send)


@_guard("saving before dropping")
def _save_nothing() -> None:
    """Nor look whether that was done."""
    _replace(keeping, "copy_ahead", lambda flight, lost, key: [])
    _replace(keeping, "unsaved_in", lambda changes, copies, taken: ())


@_guard("redaction")
def _no_redaction() -> None:
    _replace(Redaction, "mask", lambda redaction, text: text)


@_guard("the identity check")
def _any_server() -> None:
    _replace(commit, "_assert_same_database", lambda flight, *found: None)


@_guard("the ledger as the arbiter")
def _ask_xact_status() -> None:
    """pg_xact_status is asked instead, as the usual advice is."""
    noted: list[str] = []

    def note(conn: Conn, key: int = FENCE_KEY) -> str:
        noted.append(take_fence(conn, key))
        return noted[-1]

    def ask(flight: Flight, *rest: object) -> bool:
        with session(flight.target, f"reconcile {flight.run_id}") as conn:
            row = conn.execute(
                "SELECT pg_xact_status(%s::xid8) AS status", [noted[-1]]
            ).fetchone()
        assert row
        return bool(row["status"] == "committed")

    _replace(transaction, "take_fence", note)
    _replace(commit, "_ask", ask)


def _replace(owner: object, name: str, new: object) -> None:
    assert hasattr(owner, name), f"{owner} has no {name} any more"
    setattr(owner, name, new)
