"""How long a brief step waits for its locks, so that no application dies of it.

A step that holds one table and waits for another can be in a deadlock with a
transaction of the application's, which the server ends for whoever has waited for
deadlock_timeout. It must not be the application: so of such a step all waits together
stay below deadlock_timeout. That is too short to have an autovacuum cancelled, which
a wait of its own does, with nothing held.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from psycopg import sql

from flows.database.attempt import Committed, Result, Work, commit_once
from flows.database.connection import IDLE_LIMIT_MS, set_local
from flows.database.online.crew import Crew
from flows.migration.errors import LocksNotObtained, PgflightError
from flows.migration.ladder import Rung, ladder
from flows.migration.locks import Lock, blocks
from flows.migration.online.steps import OnlineStep

SHARE = 0.75
"""Of deadlock_timeout, for all waits of one attempt."""
HASTY = 4
"""Attempts before an autovacuum is looked for."""


def commit_patiently(
    crew: Crew, step: OnlineStep, work: Work[Result], limit_ms: int
) -> Committed[Result]:
    """Run the work in one transaction, up the ladder that suits the step's locks.

    Raises: as `commit_once`.
    """
    flight = replace(crew.flight, budget_ms=limit_ms)
    deadlock_timeout_ms = flight.identity.deadlock_timeout_ms
    rungs = ladder(deadlock_timeout_ms, limit_ms)
    contended = [lock for lock in step.locks if "writes" in blocks(lock.mode)]
    if len(contended) < 2:
        return commit_once(flight, work, crew.say, rungs)
    rungs = hasty(rungs, deadlock_timeout_ms, len(contended))
    try:
        return commit_once(flight, work, crew.say, rungs[:HASTY])
    except LocksNotObtained:
        have_autovacuum_cancelled(crew, step, contended)
    return commit_once(flight, work, crew.say, rungs[HASTY:])


def hasty(
    rungs: Sequence[Rung], deadlock_timeout_ms: int, tables: int
) -> tuple[Rung, ...]:
    """The ladder of a step that locks so many tables, one after the other."""
    most_ms = max(1, int(deadlock_timeout_ms * SHARE / tables))
    return tuple(
        replace(rung, lock_timeout_ms=min(rung.lock_timeout_ms, most_ms))
        for rung in rungs
    )


def have_autovacuum_cancelled(
    crew: Crew, step: OnlineStep, locks: Sequence[Lock]
) -> None:
    """Wait for each table once, as long as that takes, and give it back at once.

    The application queues behind us that long: so, as on the ladder, for no more than
    three quarters of the budget, and watched.
    """
    patient_ms = crew.flight.identity.deadlock_timeout_ms + 500
    most_ms = max(1, crew.flight.budget_ms * 3 // 4)
    for lock in locks:
        # Locked for longer, or not ours to lock: the next attempt says so.
        with suppress(PgflightError), crew.session(step) as watched:
            set_local(watched.conn, "lock_timeout", min(patient_ms, most_ms))
            set_local(
                watched.conn, "idle_in_transaction_session_timeout", IDLE_LIMIT_MS
            )
            # As up.sql writes the name, quotes included.
            watched.conn.execute(
                sql.SQL("LOCK TABLE {} IN {} MODE").format(
                    sql.SQL(lock.table), sql.SQL(lock.mode)
                )
            )
