"""Verification on replicas: the migration has come there, or the report says not yet.

Whatever is found here is a warning at most. Rolling back would not help: the rollback
is one more transaction that the same replica must replay, after this one; and who reads
from a replica has to live with its being late anyway.
"""

import time
from collections.abc import Callable

from flows.database.checks import check_columns, check_functions, check_objects
from flows.database.connection import CONNECT_ATTEMPTS, Conn, one, reading
from flows.database.replica import (
    Replay,
    mistaken,
    name_of,
    position,
    reading_replica,
    replay,
)
from flows.database.sessions import describe_blockers
from flows.migration.check import Check
from flows.migration.errors import ConnectionFailed, QueryFailed
from flows.migration.flight import Flight
from flows.migration.locks import tables_of
from flows.migration.probe import Verdict
from flows.migration.progress import Progress
from flows.migration.target import Target

PATIENCE_S = 30.0
"""For all replicas together. One that is well needs milliseconds."""
PAUSE_S = 0.1
MOST_PAUSE_S = 1.0

_LATE = (
    "What reads there does not see the new schema yet, and fails where it asks for"
    " it. This is no reason to roll back: the replica would have to replay that, too"
)


def check_replicas(flight: Flight, say: Callable[[str], None]) -> list[Check]:
    """One check for each replica of the target.

    Raises:
        ConnectionFailed: the primary is not reached.
    """
    version = flight.migration.version
    purpose = f"{version} verify {flight.run_id}"
    # Asked after the COMMIT, and so behind it.
    with reading(flight.target, purpose, attempts=CONNECT_ATTEMPTS) as conn:
        wait = _Wait(position(conn), say)
    return [_check(flight, replica, wait) for replica in flight.target.replicas]


class _Wait:
    """Until a replica has come to a position; bounded for all of them together."""

    def __init__(self, upto: str, say: Callable[[str], None]) -> None:
        self.upto = upto
        self.began = time.monotonic()
        self._say = say

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.began

    def until_there(self, name: str, conn: Conn) -> Replay:
        """The last look: it is there, or waiting longer is in vain."""
        first = now = replay(conn, self.upto)
        pause_s = PAUSE_S
        while self._is_worth_it(now):
            share = 1 - now.behind_bytes / max(first.behind_bytes, 1)
            subject = f"Replica {name} replays the migration"
            self._say(Progress(subject, share, 0, self.elapsed_s))
            one(conn, "wait_a_moment", seconds=pause_s)
            pause_s = min(pause_s * 2, MOST_PAUSE_S)
            now = replay(conn, self.upto)
        return now

    def _is_worth_it(self, now: Replay) -> bool:
        left_s = PATIENCE_S - self.elapsed_s
        is_stopped = now.is_paused or now.delay_s > left_s
        return now.is_standby and not (now.is_there or is_stopped or left_s <= 0)


def _check(flight: Flight, replica: Target, wait: _Wait) -> Check:
    name = replica.source
    try:
        name = name_of(replica)
        with reading_replica(replica, f"{flight.migration.version} verify") as conn:
            problem = mistaken(conn, flight.identity)
            if problem:
                return _warning(name, f"{problem[0]}. {problem[1]}")
            now = wait.until_there(name, conn)
            if not now.is_there:
                return _warning(name, _why_late(flight, conn, now, wait.elapsed_s))
            return _looked_at(flight, name, conn, wait.elapsed_s)
    except (ConnectionFailed, QueryFailed) as error:
        said = f"cannot be asked: {error.message}. Whether it has the migration is"
        return _warning(name, f"{said} not known")


def _looked_at(flight: Flight, name: str, conn: Conn, after_s: float) -> Check:
    """What is replayed is there, unless the URL's role may not see it."""
    expectations = flight.migration.expectations
    checks = [
        *check_columns(conn, expectations),
        *check_functions(conn, expectations),
        *check_objects(conn, expectations),
    ]
    unseen = [one.sentence for one in checks if one.verdict is not Verdict.PASS]
    if unseen:
        said = "has replayed the migration, and does not show it to its URL's role"
        return _warning(name, f"{said}: {'; '.join(unseen)}")
    return Check(
        kind="replica",
        subject=name,
        detail=f"shows the migration, {after_s * 1_000:,.0f} ms after it was asked for",
    )


def _why_late(flight: Flight, conn: Conn, now: Replay, after_s: float) -> str:
    if not now.is_standby:
        return "has been promoted: it does not follow the target any more"
    if now.is_paused:
        why = f"has its replay paused, {now.behind} behind. On it: SELECT"
        return f"{why} pg_wal_replay_resume(). {_LATE}"
    if now.delay_s:
        why = f"stays {now.delay_s:,.0f} s behind on purpose (recovery_min_apply_delay)"
        return f"{why}. {_LATE}"
    held_up_by = describe_blockers(conn, tables_of(flight.migration.up))
    readers = f"; held up there by {'; '.join(held_up_by)}" if held_up_by else ""
    return f"is {now.behind} behind after {after_s:.0f} s{readers}. {_LATE}"


def _warning(name: str, detail: str) -> Check:
    return Check(kind="replica", subject=name, detail=detail, is_warning=True)
