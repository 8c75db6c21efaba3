"""The ledger: pgflight's own tables in the target, and the fence before them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from flows.database.connection import IDLE_LIMIT_MS, Conn, one, rows, set_local
from flows.database.events import Event, append_event
from flows.database.fingerprint import Fingerprint
from flows.database.queries import query
from flows.migration.errors import Busy
from flows.migration.report import Applied
from flows.resources import SQL

FENCE_KEY = int.from_bytes(b"pgflight", "big")
"""Advisory lock that one deployer at a time holds; advisory locks are per database."""
FENCE_WAIT_MS = 10_000
JUST_ENDED = "it has just ended"

State = Literal["applying", "applied", "verified", "accepted", "rolled_back"]
_COMES_FROM: dict[State, list[State]] = {
    "verified": ["applied", "verified"],
    "accepted": ["applied", "verified", "accepted"],
    "rolled_back": ["applying", "applied", "verified", "accepted"],
}


@dataclass(frozen=True)
class Run:
    """One committed deployment, as the ledger has it."""

    run_id: UUID
    version: str
    name: str
    state: State
    strategy: str
    checksum: str
    applied_at: datetime
    applied_by: str
    state_since: datetime
    state_by: str
    rows_filled: int
    locked_ms: float
    condemned: str | None

    @property
    def is_in_place(self) -> bool:
        return self.state != "rolled_back"

    @property
    def is_being_rolled_back(self) -> bool:
        """A rollback began and did not get to its end."""
        return self.is_in_place and self.condemned is not None


def take_fence(conn: Conn, key: int = FENCE_KEY) -> str:
    """Take the fence as the transaction's first statement; returns its id.

    Args:
        key: another one for the steps of a run whose fence is held elsewhere.

    Raises:
        Busy: another deployer has it.
    """
    row = one(conn, "try_fence", key=key, idle_ms=IDLE_LIMIT_MS)
    if not row["held"]:
        raise busy(conn, key)
    return str(row["xid"])


def wait_for_fence(
    conn: Conn, key: int = FENCE_KEY, within_ms: int = FENCE_WAIT_MS
) -> None:
    """Take the fence once whoever has it is through; the transaction waits no longer.

    Raises:
        psycopg.errors.LockNotAvailable: somebody has it for longer than that.
    """
    set_local(conn, "lock_timeout", within_ms)
    one(conn, "wait_for_fence", key=key)


def busy(conn: Conn, key: int = FENCE_KEY) -> Busy:
    """The error that says who holds the fence."""
    return Busy(
        f"Another deployment is at work in this database: {_holder(conn, key)}",
        "Wait until it is over, then run again; nothing was written.",
    )


def _holder(conn: Conn, key: int) -> str:
    row = conn.execute(query("select_fence_holder"), {"key": key}).fetchone()
    if row is None:
        return JUST_ENDED
    since = f", since {row['xact_start']:%H:%M:%S %Z}" if row["xact_start"] else ""
    name = row["application_name"] or "name not visible to this role"
    return f"{name} (pid {row['pid']}{since})"


def create_ledger(conn: Conn) -> None:
    """Make the ledger's schema and tables where they lack; call it behind the fence."""
    if not one(conn, "ledger_is_whole")["found"]:
        text = (SQL / "ledger" / "create.sql").read_text(encoding="utf-8")
        # Literal because it is a file of this package, never user input.
        conn.execute(sql.SQL(text))


def ledger_exists(conn: Conn) -> bool:
    return bool(one(conn, "ledger_exists")["found"])


def read_runs(conn: Conn) -> dict[str, Run]:
    """The newest run of each version; empty where there is no ledger yet."""
    if not ledger_exists(conn):
        return {}
    return {row["version"]: Run(**row) for row in rows(conn, "select_runs")}


def read_run(conn: Conn, run_id: UUID) -> Run | None:
    """The run of that id; None if no such run was committed."""
    if not ledger_exists(conn):
        return None
    found = rows(conn, "select_run", run_id=run_id)
    return Run(**found[0]) if found else None


def read_fingerprints(
    conn: Conn, run_id: UUID
) -> tuple[Fingerprint, Fingerprint | None]:
    """The catalogue before a run, and after it if the run lived to take that."""
    row = one(conn, "select_fingerprints", run_id=run_id)
    return row["fingerprint_before"], row["fingerprint_after"]


def record_applied(conn: Conn, values: dict[str, Any], before: Fingerprint) -> None:
    """Write the row that proves the COMMIT: inside the migration's transaction."""
    conn.execute(query("insert_run"), {**values, "fingerprint_before": Jsonb(before)})
    run_id = values["run_id"]
    append_event(conn, Event(run_id, run_id, values["version"], "applied"))


def record_after(
    conn: Conn, run_id: UUID, after: Fingerprint, applied: Applied | None
) -> None:
    """Keep the catalogue as the run left it, for a later rollback's proof.

    Args:
        applied: what the application felt of it; None where that was another run's.
    """
    felt = applied and applied.model_dump(mode="json", include={"locks", "waits"})
    values = {"run_id": run_id, "fingerprint_after": Jsonb(after)}
    conn.execute(query("update_after"), {**values, "felt": felt and Jsonb(felt)})


def record_state(
    conn: Conn, run: Run, state: State, detail: str, flight_id: UUID
) -> bool:
    """Move a run along its states; False if somebody else had moved it already."""
    moved = conn.execute(
        query("update_state"),
        {"run_id": run.run_id, "state": state, "from_states": _COMES_FROM[state]},
    ).fetchone()
    if moved:
        append_event(conn, Event(flight_id, run.run_id, run.version, state, detail))
    return moved is not None
