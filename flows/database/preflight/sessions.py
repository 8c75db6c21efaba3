"""Preflight of other sessions: who would make us, and everybody behind us, wait."""

from collections.abc import Iterator

from flows.database.connection import rows
from flows.database.preflight.inspection import Inspection, block, info, ok, warning
from flows.database.sessions import Blocker, read_blockers
from flows.migration.finding import Finding

LONG_S = 5
"""An open transaction of this age is worth a warning: ordinary requests are shorter."""
TOO_LONG_S = 30
"""One of this age will most likely outlive the lock-timeout ladder (31 s of pauses)."""


def session_findings(inspection: Inspection) -> Iterator[Finding]:
    """Long transactions on any of the tables, vacuums, prepared transactions."""
    if not inspection.sees_sessions:
        yield warning(
            "blind",
            f"Cannot see other sessions: {inspection.identity.role} lacks"
            " pg_read_all_stats, so long transactions are not reported",
            f"GRANT pg_read_all_stats TO {inspection.identity.role}",
        )
    found = [
        finding
        for blocker in read_blockers(inspection.conn, inspection.tables)
        for finding in _judge(blocker)
    ]
    found += _prepared(inspection)
    yield from found
    if not found and inspection.sees_sessions:
        yield ok("sessions", "No session stands in the way")


def _judge(blocker: Blocker) -> Iterator[Finding]:
    if blocker.is_wraparound:
        yield block(
            "wraparound-vacuum",
            f"Autovacuum to prevent wraparound is at work on {blocker.relation}"
            f" (pid {blocker.pid}): it does not give way",
            "Wait until it is through; do not cancel it.",
        )
    elif blocker.is_autovacuum:
        yield info(
            "autovacuum",
            f"Autovacuum is at work on {blocker.relation} (pid {blocker.pid}); the"
            " server cancels it when we wait longer than deadlock_timeout",
        )
    elif blocker.age_s is not None and blocker.age_s >= TOO_LONG_S:
        yield block(
            "long-transaction",
            f"In the way: {blocker}",
            "Every query on the table would queue behind us. End that transaction, or"
            f" wait for it: SELECT pg_terminate_backend({blocker.pid})",
        )
    elif blocker.age_s is not None and blocker.age_s >= LONG_S:
        yield warning(
            "long-transaction",
            f"May be in the way: {blocker}",
            "If it lasts, the deployment gives up without having changed anything.",
        )


def _prepared(inspection: Inspection) -> Iterator[Finding]:
    for prepared in rows(inspection.conn, "select_prepared"):
        yield block(
            "prepared-transaction",
            f"Prepared transaction {prepared['gid']!r} of {prepared['owner']} is open"
            f" for {prepared['age_s']:,.0f} s: no session will end it",
            "COMMIT PREPARED or ROLLBACK PREPARED it first.",
        )
