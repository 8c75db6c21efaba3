"""Applying a migration: one transaction, checked before its COMMIT."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from flows.database.attempt import Say, Work, commit_once
from flows.database.backfill import check_backfill, snapshot_before
from flows.database.behaviour import check_behaviour
from flows.database.checks import check_structure
from flows.database.connection import IDLE_LIMIT_MS, Conn
from flows.database.fingerprint import take_fingerprint
from flows.database.functions import note_functions
from flows.database.ledger import (
    create_ledger,
    read_run,
    read_runs,
    record_applied,
)
from flows.database.restore import restore_in, standing
from flows.database.rights import check_rights, note_rights
from flows.database.transaction import FencedTransaction
from flows.migration.check import Check
from flows.migration.errors import (
    Blocked,
    ChecksFailed,
    StatementFailed,
)
from flows.migration.flight import Flight
from flows.migration.functions import functions_named
from flows.migration.locks import tables_of
from flows.migration.online.reorder import reordered
from flows.migration.probe import Verdict
from flows.migration.report import Applied, Restored
from flows.migration.script import Statement

_BY_THE_ORDER = {"23503", "55006"}
"""What a moved statement can meet where the file's own order would not: a referenced
row that is deleted meanwhile, and events of deferred triggers that are pending."""


@dataclass(frozen=True)
class _Done:
    """What one transaction has checked, and put back of what was saved."""

    checks: list[Check]
    restored: list[Restored]


def apply(flight: Flight, say: Say) -> Applied:
    """Apply the flight's migration and commit it together with its ledger row.

    Raises:
        Busy, LocksNotObtained, Blocked: nothing was written.
        StatementFailed, BudgetExceeded, ChecksFailed: it was rolled back.
        CommitUnknown: nobody can say what became of the COMMIT.
    """
    as_written = flight.migration.up.statements
    faster = reordered(as_written)
    try:
        return _commit(flight, faster, say)
    except StatementFailed as error:
        if faster == as_written or error.sqlstate not in _BY_THE_ORDER:
            raise
        say(f"{error.message}; once more, in the order of the file")
    return _commit(flight, as_written, say)


def _commit(flight: Flight, order: Sequence[Statement], say: Say) -> Applied:
    work = Work(
        name="apply",
        tables=tables_of(flight.migration.up),
        run=lambda transaction: _apply(transaction, flight, order, say),
        has_committed=lambda conn: read_run(conn, flight.run_id) is not None,
    )
    committed = commit_once(flight, work, say)
    return Applied(
        attempt=committed.attempt,
        total_ms=committed.total_ms,
        rows=sum(statement.rows for statement in committed.statements),
        statements=committed.statements,
        locks=committed.locks,
        waits=committed.waits,
        checks=committed.result.checks,
        restored=committed.result.restored,
        commit=committed.commit,
        is_replicated=committed.is_replicated,
    )


def _apply(
    transaction: FencedTransaction,
    flight: Flight,
    order: Sequence[Statement],
    say: Say,
) -> _Done:
    conn, migration = transaction.conn, flight.migration
    create_ledger(conn)
    _assert_not_in_place(conn, flight)
    before = take_fingerprint(conn)
    there = standing(conn, migration.version)
    with ExitStack() as stack:
        snapshot = None
        if migration.expectations.backfill:
            limit_ms = flight.budget_ms + IDLE_LIMIT_MS
            purpose = f"{migration.version} snapshot {flight.run_id}"
            snapshot = stack.enter_context(
                snapshot_before(flight.target, purpose, limit_ms)
            )
        note_functions(conn, flight.run_id, functions_named(migration.up.nodes))
        note_rights(conn, flight)
        transaction.start_clock()
        for statement in order:
            rows = transaction.run(statement)
            say(f"{statement.summary}{f': {rows:,} rows' if rows else ''}")
        transaction.fire_deferred()
        restored = restore_in(transaction, flight, there)
        checks = _check(transaction, flight, snapshot)
    _assert_passed(checks)
    record_applied(conn, _ledger_row(transaction, flight), before)
    return _Done(checks, restored)


def _ledger_row(transaction: FencedTransaction, flight: Flight) -> dict[str, object]:
    migration = flight.migration
    return {
        "run_id": flight.run_id,
        "version": migration.version,
        "name": migration.name,
        "checksum": migration.up.checksum,
        "rows_filled": sum(done.rows for done in transaction.statements),
        "locked_ms": transaction.elapsed_ms,
    }


def _check(
    transaction: FencedTransaction, flight: Flight, snapshot: Conn | None
) -> list[Check]:
    """Everything that can be checked before the COMMIT, where failing costs nothing."""
    conn, migration = transaction.conn, flight.migration
    transaction.limit_statement()
    checks = check_structure(conn, migration.expectations)
    checks += check_rights(conn, flight)
    if migration.expectations.backfill and snapshot:
        transaction.limit_statement()
        checks.append(check_backfill(conn, migration.expectations.backfill, snapshot))
    if migration.verify:
        transaction.limit_statement()
        checks.append(check_behaviour(conn, migration.verify))
    return checks


def _assert_passed(checks: list[Check]) -> None:
    failed = [check.sentence for check in checks if check.verdict is not Verdict.PASS]
    if failed:
        raise ChecksFailed(
            "Verification before the COMMIT failed, and the transaction was rolled"
            " back:\n" + "\n".join(failed),
            "Correct the migration; the database is as it was.",
        )


def _assert_not_in_place(conn: Conn, flight: Flight) -> None:
    run = read_runs(conn).get(flight.migration.version)
    if run and run.is_in_place:
        raise Blocked(
            f"Migration {run.version} was applied by {run.applied_by} at"
            f" {run.applied_at:%Y-%m-%d %H:%M:%S %Z}, while this run was preparing",
            "Run again: it will be verified and nothing else.",
        )
