"""Preflight of replicas: the target's own, in time, and with nobody in the way there.

Nothing of this blocks a deployment but a replica that is none of the target's: one that
is slow or away does not make the migration worse, and waiting for it would not help.
"""

from collections.abc import Iterator

from flows.database.connection import Conn, one
from flows.database.preflight.inspection import Inspection, block, info, ok, warning
from flows.database.preflight.replication import LAG_BYTES
from flows.database.preflight.sessions import LONG_S
from flows.database.replica import (
    Replay,
    mistaken,
    name_of,
    position,
    reading_replica,
    replay,
)
from flows.database.sessions import Blocker, read_blockers
from flows.migration.errors import ConnectionFailed, ConnectionRefused, QueryFailed
from flows.migration.finding import Finding
from flows.migration.needs import must_wait
from flows.migration.target import Target

LAG_S = 10.0
"""Readers of a replica that is as far behind as this notice it already."""
LOOKS = 4
MOMENT_S = 0.25
"""Until the last of these looks a standby that is well has replayed what the primary
has just written."""


def replica_findings(inspection: Inspection) -> Iterator[Finding]:
    """Each replica: whose it is, its lag, and who would hold up the migration there."""
    for replica in inspection.target.replicas:
        try:
            name = f"Replica {name_of(replica)}"
        except ConnectionRefused as error:
            yield block("replica", error.message, error.help)
            continue
        upto = position(inspection.conn)
        try:
            with reading_replica(replica, "preflight") as conn:
                yield from _judge(inspection, name, conn, upto)
        except (ConnectionFailed, QueryFailed) as error:
            yield _unasked(name, replica, error.message)


def _unasked(name: str, replica: Target, why: str) -> Finding:
    return warning(
        "replica-unreachable",
        f"{name} cannot be asked: {why}. Whether it keeps up is not known, nor who"
        " reads there what the migration locks; what reads from it may see the new"
        " schema late, or never",
        f"Bring it back, or correct the URL of {replica.source}.",
    )


def _judge(
    inspection: Inspection, name: str, conn: Conn, upto: str
) -> Iterator[Finding]:
    problem = mistaken(conn, inspection.identity)
    if problem:
        yield block("wrong-replica", f"{name} {problem[0]}", problem[1])
        return
    now = _look(conn, upto)
    yield from _lag(name, now)
    if not one(conn, "select_identity")["sees_sessions"]:
        yield info("replica-blind", f"{name}: other sessions there cannot be seen")
    yield from _readers(inspection, name, conn, now.patience_ms)


def _look(conn: Conn, upto: str) -> Replay:
    """As far as it has come a moment after the primary was asked."""
    for _ in range(LOOKS - 1):
        now = replay(conn, upto)
        if now.is_there:
            return now
        one(conn, "wait_a_moment", seconds=MOMENT_S)
    return replay(conn, upto)


def _lag(name: str, now: Replay) -> Iterator[Finding]:
    late = "readers there will see the new schema that much later"
    if now.is_paused:
        yield warning(
            "replica-lag",
            f"{name} has its replay paused, {now.behind} behind: readers there will not"
            " see the new schema until it goes on",
            "On the replica: SELECT pg_wal_replay_resume()",
        )
    elif now.delay_s:
        yield warning(
            "replica-lag",
            f"{name} stays {now.delay_s:,.0f} s behind on purpose"
            f" (recovery_min_apply_delay): {late}",
            "If the application reads from it, deploy code that works with and without"
            " the migration first; if not, leave it out of the target.",
        )
    elif now.behind_bytes > LAG_BYTES or (now.behind_s or 0) > LAG_S:
        yield warning(
            "replica-lag",
            f"{name} is {now.behind} behind: {late}",
            "Wait until it has caught up; the migration's own WAL comes on top of it.",
        )
    else:
        yield ok("replica", f"{name} follows the target and keeps up")


def _readers(
    inspection: Inspection, name: str, conn: Conn, patience_ms: int
) -> Iterator[Finding]:
    """Of all locks only ACCESS EXCLUSIVE is replayed on a standby."""
    up = inspection.migration.up
    for reader in read_blockers(conn, inspection.tables):
        is_young = reader.age_s is not None and reader.age_s < LONG_S
        if not is_young and must_wait(up, reader.table, ("ACCESS SHARE",)):
            yield warning(
                "replica-reader",
                f"{name}: {reader} will hold up the replay of the migration's ACCESS"
                f" EXCLUSIVE lock; {_meaning(reader, patience_ms)}",
                f"Wait for it, or end it there: SELECT pg_terminate_backend"
                f"({reader.pid})",
            )


def _meaning(reader: Blocker, patience_ms: int) -> str:
    if patience_ms == 0:
        return "it is cancelled at once (max_standby_streaming_delay is 0)"
    until = (
        f"it is cancelled after {patience_ms / 1_000:g} s"
        if patience_ms > 0
        else "it ends by itself, however long that takes"
    )
    return (
        f"until {until} (max_standby_streaming_delay), the replica falls behind and new"
        f" reads of {reader.table} there wait"
    )
