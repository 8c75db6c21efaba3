"""Preflight of other sessions: who would make us, and everybody behind us, wait."""

from collections.abc import Iterator

from flows.database.preflight.inspection import Inspection, block, info, ok, warning
from flows.database.sessions import Blocker, read_blockers
from flows.migration.finding import Finding
from flows.migration.needs import must_wait

LONG_S = 5
"""An open transaction of this age is worth a warning: ordinary requests are shorter."""
TOO_LONG_S = 30
"""One of this age will most likely outlive the lock-timeout ladder (31 s of pauses)."""


def session_findings(inspection: Inspection) -> Iterator[Finding]:
    """Long transactions on any of the tables, vacuums, prepared transactions.

    Only those whose locks the migration has to wait for: a backup that reads a
    table does not keep it from being written.
    """
    role, up = inspection.identity.role, inspection.migration.up
    if not inspection.sees_sessions:
        yield warning(
            "blind",
            f"Cannot see other sessions: {role} lacks pg_read_all_stats, so long"
            " transactions, vacuums and standbys are not reported",
            f"GRANT pg_read_all_stats TO {role}",
        )
    found = [
        finding
        for blocker in read_blockers(inspection.conn, inspection.tables)
        if must_wait(up, blocker.table, blocker.modes)
        for finding in judge(blocker)
    ]
    yield from found
    if not found and inspection.sees_sessions:
        yield ok("sessions", "No session stands in the way")


def judge(blocker: Blocker) -> Iterator[Finding]:
    """What a session that the migration must wait for means for it."""
    if blocker.is_wraparound:
        yield block(
            "wraparound-vacuum",
            f"Autovacuum to prevent wraparound is at work on {blocker.table}"
            f" (pid {blocker.pid}): it does not give way",
            "Wait until it is through; do not cancel it.",
        )
    elif blocker.is_autovacuum:
        yield info(
            "autovacuum",
            f"Autovacuum is at work on {blocker.table} (pid {blocker.pid}); the"
            " server cancels it when we wait longer than deadlock_timeout",
        )
    elif blocker.is_prepared:
        yield from _judge_prepared(blocker)
    elif blocker.age_s is not None and blocker.age_s >= TOO_LONG_S:
        yield block(
            "long-transaction",
            f"In the way: {blocker}; every query on the table would queue behind us",
            "Wait for it (a backup, say), or end it if nobody needs it:"
            f" SELECT pg_terminate_backend({blocker.pid})",
        )
    elif blocker.age_s is not None and blocker.age_s >= LONG_S:
        yield warning(
            "long-transaction",
            f"May be in the way: {blocker}",
            "If it lasts, the deployment gives up without having changed anything.",
        )


def _judge_prepared(blocker: Blocker) -> Iterator[Finding]:
    """Applications that commit in two phases have young ones all the time."""
    message = f"In the way: {blocker}"
    if blocker.age_s is not None and blocker.age_s < LONG_S:
        yield warning(
            "prepared-transaction",
            message,
            "If its coordinator does not end it soon, the deployment gives up without"
            " having changed anything.",
        )
    else:
        yield block(
            "prepared-transaction",
            f"{message}; it belongs to no session, so none will end it",
            f"Ask its coordinator how it ended, then, in this database: COMMIT PREPARED"
            f" or ROLLBACK PREPARED {blocker.gid!r}",
        )
