"""Applying a migration online: step by step, each short, each recorded."""

import random
import time
from collections.abc import Callable, Sequence

import psycopg

from flows.database.attempt import Say
from flows.database.behaviour import check_behaviour
from flows.database.checks import check_structure
from flows.database.connection import (
    Cause,
    Conn,
    cause_of,
    commit_locally,
    reading,
)
from flows.database.ledger import create_ledger
from flows.database.online.backfill import run_backfill, sweep_again
from flows.database.online.brief import run_brief, wait_for_last_step
from flows.database.online.crew import Crew, Felt
from flows.database.online.fence import held_fence
from flows.database.online.index import run_index
from flows.database.online.journal import Journal
from flows.database.online.orphans import clear_ahead, keys_of
from flows.database.online.restore import Waiting
from flows.database.online.undo import undo_all
from flows.database.online.validate import run_validate
from flows.database.rights import check_rights
from flows.migration.check import Check
from flows.migration.errors import (
    Busy,
    ChecksFailed,
    ConnectionFailed,
    ConnectionRefused,
)
from flows.migration.flight import Flight
from flows.migration.online.rewrite import plan_online
from flows.migration.online.steps import OnlineStep
from flows.migration.probe import Verdict
from flows.migration.report import Applied, StatementTiming
from flows.migration.script import Script

RESUMES = 4
"""With pauses of about 1, 2, 4 and 8 s: a restart of the server and a quick failover
are survived. Each goes on from the journal."""


def apply_online(flight: Flight, say: Say) -> Applied:
    """Run the migration's steps from where an earlier run, or a lost connection, left.

    Raises:
        Busy: another deployer is at work.
        ApplyFailed: a step failed, and what was done was taken back.
        RollbackFailed: it could not be taken back.
        ConnectionFailed: the server stayed away; the next run goes on.
    """
    steps = plan_online(flight.migration.up)
    felt = Felt()
    started = time.monotonic()
    try:
        checks, filled = _insist(flight, steps, felt, say)
    except BaseException:
        flight.report.add_in_vain(felt.waits, felt.locks)
        raise
    return Applied(
        strategy="online",
        total_ms=(time.monotonic() - started) * 1_000,
        rows=filled,
        statements=felt.statements,
        locks=felt.locks,
        waits=felt.waits,
        checks=checks,
        restored=felt.restored,
    )


def _insist(
    flight: Flight, steps: Sequence[OnlineStep], felt: Felt, say: Say
) -> tuple[list[Check], int]:
    """All steps, again where a connection was lost; returns what `_go` does."""
    for resumes in range(RESUMES):
        try:
            return _go(flight, steps, felt, say)
        except (ConnectionFailed, Busy) as error:
            # Busy with itself: the server has not noticed yet that we were cut off.
            is_ours = resumes and str(flight.run_id) in error.message
            is_final = isinstance(error, ConnectionRefused)
            if is_final or (isinstance(error, Busy) and not is_ours):
                raise
            pause_s = 2**resumes * random.uniform(0.75, 1.25)
            say(f"{error.message}; going on in {pause_s:.1f} s")
            time.sleep(pause_s)
    return _go(flight, steps, felt, say)


def _go(
    flight: Flight, steps: Sequence[OnlineStep], felt: Felt, say: Say
) -> tuple[list[Check], int]:
    """All steps behind one fence; returns the checks and the rows that were filled."""
    journal = Journal(flight)
    with held_fence(flight) as fence:
        with journal.session() as conn:
            wait_for_last_step(conn)
            create_ledger(conn)
            journal.open(conn)
            journal.assert_begun_with(conn, steps)
            commit_locally(conn)
        crew = Crew(flight, fence, journal, say, felt)
        try:
            waiting = Waiting(crew, steps)
            for step in steps:
                waiting.put_back_columns()
                _run(crew, step, keys_of(step, steps))
            waiting.put_back_columns()
            for step in steps:
                if step.kind == "backfill":
                    sweep_again(crew, step)
            checks = _check(flight)
            waiting.put_back_rows()
        except BaseException as error:
            undo_all(crew, steps, error)
            raise
        with journal.session() as conn:
            filled = journal.finish(conn)
            commit_locally(conn)
    return checks, filled


def _run(crew: Crew, step: OnlineStep, keys: Sequence[OnlineStep]) -> None:
    """One step, unless the journal has it as done.

    Args:
        keys: what validates the foreign keys that it adds.
    """
    with crew.journal.session() as conn:
        entry = crew.journal.start(conn, step)
        commit_locally(conn)
    crew.note(step, entry)
    if entry.state == "done":
        crew.say(f"{step.summary}: done by an earlier run")
        return
    started = time.monotonic()
    if step.kind == "brief":
        ours = [key for key in keys if crew.is_ours(key)]
        clear_ahead(crew, ours)
        crew.felt.add(run_brief(crew, step, ours))
    else:
        _RUNNERS[step.kind](crew, step)
    crew.felt.statements.append(
        StatementTiming(
            where=step.where,
            summary=step.summary,
            milliseconds=(time.monotonic() - started) * 1_000,
            rows=0,
            at_ms=crew.flight.report.offset_ms(started),
        )
    )
    crew.say(step.summary)


_RUNNERS: dict[str, Callable[[Crew, OnlineStep], None]] = {
    "backfill": run_backfill,
    "index": run_index,
    "drop-index": run_index,
    "validate": run_validate,
}


def _check(flight: Flight) -> list[Check]:
    """Everything that can fail, before anybody is told that it is applied.

    The backfill is not counted here: no row is left, and what the application does to
    the column from now on is no failure. The report's own check counts it later.
    """
    migration = flight.migration
    with reading(flight.target, f"{migration.version} check") as conn:
        checks = check_structure(conn, migration.expectations)
        checks += check_rights(conn, flight)
        if migration.verify:
            checks += _behaviour(conn, migration.verify)
    failed = [check.sentence for check in checks if check.verdict is Verdict.FAIL]
    if failed:
        raise ChecksFailed(
            "Verification failed, and what was done is taken back:\n"
            + "\n".join(failed),
            "Correct the migration.",
        )
    return checks


def _behaviour(conn: Conn, script: Script) -> list[Check]:
    """Nothing where somebody else was in the way: the verification tries it again."""
    try:
        return [check_behaviour(conn, script)]
    except psycopg.Error as error:
        if cause_of(error) not in (Cause.CONTENTION, Cause.BUDGET):
            raise
        return []
