"""Validating a constraint while everybody goes on working."""

from flows.database.connection import IDLE_LIMIT_MS, Conn, set_local
from flows.database.online.backfill import Backfill
from flows.database.online.brief import run_patient
from flows.database.online.crew import Crew
from flows.database.online.orphans import any_orphan
from flows.migration.errors import ApplyFailed
from flows.migration.online.steps import OnlineStep

MOST_NAMED = 10


def run_validate(crew: Crew, step: OnlineStep) -> None:
    """Clear what the constraint would have cleared, then validate it.

    The foreign key is there already, NOT VALID, so no new orphan can appear.

    Raises:
        ApplyFailed: rows that break the constraint, named by their keys.
    """
    if step.clear_orphans and step.orphans and crew.is_ours(step):
        Backfill(crew, step, step.clear_orphans).sweep(any_orphan(step))
    elif step.orphans:
        _assert_no_orphans(crew, step)
    crew.felt.add(run_patient(crew, step))


def _assert_no_orphans(crew: Crew, step: OnlineStep) -> None:
    assert step.orphans
    with crew.session(step) as watched:
        # It reads the whole table.
        set_local(watched.conn, "statement_timeout", 0)
        name = "idle_in_transaction_session_timeout"
        set_local(watched.conn, name, IDLE_LIMIT_MS)
        found = _keys(watched.conn, step.orphans)
    if found:
        raise ApplyFailed(
            f"{step.where}: {step.summary}: these rows of {step.table} refer to no"
            f" row: {', '.join(found)}",
            "Correct them, then deploy again.",
        )


def _keys(conn: Conn, orphans: str) -> list[str]:
    rows = conn.execute(orphans.encode()).fetchmany(MOST_NAMED)
    return [" ".join(map(str, row.values())) for row in rows]
