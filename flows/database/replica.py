"""A replica of the target: asked where it stands, and never written to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from flows.database.connection import Conn, one, reading, set_local
from flows.database.place import place_of
from flows.migration.errors import ConnectionRefused
from flows.migration.flight import Identity
from flows.migration.target import Target

ANSWER_TIMEOUT_MS = 5_000


@dataclass(frozen=True)
class Replay:
    """How far a replica has come.

    Attributes:
        behind_bytes: of WAL, that are still to be replayed up to the position that was
            asked about; 0 when it is there.
        behind_s: age of the last transaction that it has replayed; None where it is
            there, because that only tells when somebody wrote last.
        is_paused: somebody has stopped its replay (pg_wal_replay_pause).
        delay_s: by which it stays behind on purpose (recovery_min_apply_delay).
        patience_ms: how long replay waits for a query there before it cancels it
            (max_standby_streaming_delay); -1: as long as it takes.
    """

    is_standby: bool
    behind_bytes: int
    behind_s: float | None
    is_paused: bool
    delay_s: float
    patience_ms: int

    @property
    def is_there(self) -> bool:
        return self.is_standby and self.behind_bytes == 0

    @property
    def behind(self) -> str:
        """How far behind, in words."""
        mib = f"{self.behind_bytes / 1024 / 1024:,.1f} MiB"
        return mib if self.behind_s is None else f"{mib} and {self.behind_s:,.0f} s"


def name_of(replica: Target) -> str:
    """What it is called in messages: its place, without user and password.

    Raises:
        ConnectionRefused: its URL is none that libpq can read.
    """
    try:
        return place_of(replica)
    except psycopg.Error:
        pass
    # Outside the handler: libpq's error may quote a password.
    raise ConnectionRefused(
        f"{replica.source} is not a PostgreSQL connection string",
        "Expected postgresql://user:password@host:5432/database, with special"
        " characters in the password percent-encoded.",
    )


@contextmanager
def reading_replica(replica: Target, purpose: str) -> Iterator[Conn]:
    """A transaction that asks a replica for seconds at most.

    Raises:
        ConnectionFailed, QueryFailed: it cannot be asked.
    """
    with reading(replica, purpose) as conn:
        set_local(conn, "statement_timeout", ANSWER_TIMEOUT_MS)
        yield conn


def position(primary: Conn) -> str:
    """Where the primary's WAL ends now: behind every COMMIT that it has confirmed."""
    return str(one(primary, "select_wal_end")["position"])


def replay(conn: Conn, upto: str) -> Replay:
    """How far a replica has come towards a position of the primary's."""
    return Replay(**one(conn, "select_replay", position=upto))


def mistaken(conn: Conn, identity: Identity) -> tuple[str, str] | None:
    """Why this is no replica of the target, and what to do; None where it is one."""
    found = one(conn, "select_identity")
    if found["system_identifier"] != identity.system_identifier:
        return (
            f"is another cluster ({found['system_identifier']}) than the target's"
            f" ({identity.system_identifier})",
            "Correct its URL. A subscriber of logical replication is no replica of"
            " this kind: leave it out.",
        )
    if not found["in_recovery"]:
        return (
            "is no standby: it takes writes itself",
            "Correct its URL if it leads to the primary. If it has been promoted, two"
            " servers take writes now: settle that first.",
        )
    if found["database"] != identity.database:
        return (
            f"leads to database {found['database']}, and the target is"
            f" {identity.database}",
            "Correct the database in its URL.",
        )
    return None
