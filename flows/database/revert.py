"""Reverting a migration: one transaction that saves, undoes and proves it."""

from dataclasses import dataclass

import psycopg

from flows.database.attempt import Committed, Say, Work, commit_once, insist
from flows.database.condemned import condemned
from flows.database.connection import Cause, Conn, cause_of, reading
from flows.database.dependents import (
    assert_clear,
    gone_with_it,
    in_the_way,
    refused_drop,
)
from flows.database.fingerprint import (
    Fingerprint,
    differences,
    expected_after_revert,
    take_fingerprint,
)
from flows.database.functions import Function, put_back, read_noted, resolve
from flows.database.ledger import (
    Run,
    read_fingerprints,
    read_run,
    read_runs,
    record_state,
)
from flows.database.saving import (
    Copy,
    copy_ahead,
    keep_only_deleted,
    lock_table,
    save,
)
from flows.database.transaction import FencedTransaction
from flows.migration.dropped import Dropped, dropped
from flows.migration.errors import Blocked, RollbackFailed, StatementFailed
from flows.migration.flight import Flight
from flows.migration.functions import functions_dropped, without
from flows.migration.locks import tables_of
from flows.migration.losses import losses
from flows.migration.report import Saved
from flows.migration.script import Script, Statement

_DEPENDED_ON = "2BP01"


@dataclass(frozen=True)
class Reverted:
    """What a revert undid.

    Attributes:
        catalogue: what the catalogue must be from now on.
    """

    run: Run
    saved: list[Saved]
    catalogue: Fingerprint


def revert(flight: Flight, reason: str, say: Say) -> Committed[Reverted]:
    """Run down.sql, with what it deletes saved and the result proved, in one COMMIT.

    Raises:
        Busy, LocksNotObtained, Blocked: nothing was changed.
        InTheWay, StatementFailed, BudgetExceeded, RollbackFailed: the migration is
            still there.
        CommitUnknown: nobody can say what became of the COMMIT.
    """
    down = flight.migration.down
    if down is None:
        raise RollbackFailed(
            f"Migration {flight.migration.version} has no down.sql: it was declared"
            " irreversible and is still in place",
            "Decide by hand: repair the application, or write a migration that undoes"
            " it.",
        )
    with condemned(flight, reason):
        insist(flight, lambda: _look_ahead(flight, down))
        copies = insist(flight, lambda: copy_ahead(flight, losses(down.nodes)))
        work = Work(
            name="rollback",
            tables=tables_of(down),
            run=lambda transaction: _revert(transaction, flight, copies, reason, say),
            has_committed=lambda conn: not _in_place(conn, flight),
        )
        return commit_once(flight, work, say)


def prove_reverted(flight: Flight, catalogue: Fingerprint) -> None:
    """Compare the catalogue again, from a fresh session.

    Raises:
        RollbackFailed: naming each object that is not what it was.
    """
    with reading(flight.target, f"{flight.migration.version} prove") as conn:
        different = differences(catalogue, take_fingerprint(conn))
    if different:
        raise RollbackFailed(
            "The migration is rolled back; since its COMMIT the schema was changed"
            " again:\n" + "\n".join(different),
            "Find out by whom: it was not down.sql, which was proved before.",
        )


def _in_place(conn: Conn, flight: Flight) -> bool:
    run = read_run(conn, flight.in_place_as)
    return run is not None and run.is_in_place


def _look_ahead(flight: Flight, down: Script) -> None:
    """So that nothing is copied in vain; what counts is looked at under the locks."""
    with reading(flight.target, f"{flight.migration.version} look ahead") as conn:
        run = read_run(conn, flight.in_place_as)
        if run:
            _before(conn, run, down)


@dataclass(frozen=True)
class _Before:
    """What the catalogue was before the migration, and what is to become of it.

    Attributes:
        after: as the deployment left it, if that is known.
        expected: what it must be when down.sql is done.
        replaced: functions that the migration has replaced, as they were.
        drops: what down.sql drops.
    """

    after: Fingerprint | None
    now: Fingerprint
    expected: Fingerprint
    replaced: list[Function]
    drops: list[Dropped]


def _before(conn: Conn, run: Run, down: Script) -> _Before:
    """Raises InTheWay where that can be seen already."""
    before, after = read_fingerprints(conn, run.run_id)
    now = take_fingerprint(conn)
    expected = expected_after_revert(before, after, now)
    replaced = [
        function
        for function in read_noted(conn, run.run_id)
        if before.get(function.identity) == expected.get(function.identity)
    ]
    kept = {function.signature for function in replaced}
    drops = [
        item
        for item in dropped(down.nodes)
        if item.signature is None or resolve(conn, item.signature) not in kept
    ]
    assert_clear(conn, drops, after, now)
    edited = [
        f.identity for f in replaced if _is_edited(f.identity, before, after, now)
    ]
    if edited:
        raise in_the_way(edited)
    return _Before(after, now, expected, replaced, drops)


def _is_edited(
    name: str, before: Fingerprint, after: Fingerprint | None, now: Fingerprint
) -> bool:
    """Whether somebody has changed since what the migration had changed."""
    known = None if after is None else after.get(name)
    return known is not None and now.get(name) not in (known, before.get(name))


def _revert(
    transaction: FencedTransaction,
    flight: Flight,
    copies: list[Copy],
    reason: str,
    say: Say,
) -> Reverted:
    conn, version = transaction.conn, flight.migration.version
    down = flight.migration.down
    assert down
    run = read_runs(conn).get(version)
    if run is None or not run.is_in_place:
        raise Blocked(f"Migration {version} is not in place: nothing to roll back")
    before = _before(conn, run, down)
    transaction.start_clock()
    saved = [
        (copy, kept)
        for copy in copies
        if (kept := _save(transaction, copy, run, down, say))
    ]
    assert_clear(conn, before.drops, before.after, before.now)
    for statement in down.statements:
        _undo(transaction, statement, before.replaced)
        say(statement.summary)
    _put_back(transaction, before.replaced, down, say)
    transaction.limit_statement()
    lost = [keep_only_deleted(conn, copy, kept, run.run_id) for copy, kept in saved]
    _assert_same(before, take_fingerprint(conn))
    record_state(conn, run, "rolled_back", reason, flight.run_id)
    return Reverted(run=run, saved=lost, catalogue=before.expected)


def _save(
    transaction: FencedTransaction, copy: Copy, run: Run, down: Script, say: Say
) -> Saved | None:
    summary = f"save what {copy.loss.table} would lose"
    with transaction.step(down.path.name, summary):
        lock_table(transaction.conn, copy.loss)
        kept = save(transaction.conn, copy, run.run_id)
    if kept:
        say(f"Saved {kept.rows:,} rows of {kept.table}")
    return kept


def _undo(
    transaction: FencedTransaction, statement: Statement, replaced: list[Function]
) -> None:
    """Run a statement, but drop no function that was there before the migration."""
    by_name = {function.signature: function for function in replaced}
    spared = {
        name: by_name[signature]
        for name in functions_dropped(statement.node)
        if (signature := resolve(transaction.conn, name)) in by_name
    }
    rest: Statement | None = statement
    if spared:
        for function in spared.values():
            _try_to_put_back(transaction.conn, function)
        rest = without(statement, set(spared))
    if rest:
        try:
            transaction.run(rest)
        except StatementFailed as error:
            if error.sqlstate != _DEPENDED_ON:
                raise
            raise refused_drop(error) from None


def _try_to_put_back(conn: Conn, function: Function) -> None:
    """Already now, because of what its newer body may depend on.

    What the earlier one depends on may only be made by a later statement.
    """
    try:
        with conn.transaction():
            put_back(conn, function)
    except psycopg.Error as error:
        if cause_of(error) is not Cause.REFUSAL:
            raise


def _put_back(
    transaction: FencedTransaction, replaced: list[Function], down: Script, say: Say
) -> None:
    for function in replaced:
        summary = f"restore {function.identity}"
        try:
            with transaction.step(down.path.name, summary):
                changed = put_back(transaction.conn, function)
        except psycopg.Error as error:
            if cause_of(error) is not Cause.REFUSAL:
                raise
            raise RollbackFailed(
                f"{function.identity} cannot be what it was:"
                f" {error.diag.message_primary} (SQLSTATE {error.sqlstate})",
                "pgflight.replaced_function has its definition, owner and rights.",
            ) from None
        if changed:
            say(f"Restored {function.identity}")


def _assert_same(before: _Before, found: Fingerprint) -> None:
    lost = gone_with_it(before.expected, found, before.after)
    if lost:
        raise in_the_way(lost)
    different = differences(before.expected, found)
    if different:
        raise RollbackFailed(
            "After down.sql the schema would not be as before, so it was not"
            " committed:\n" + "\n".join(different),
            "Correct down.sql: it must undo all that up.sql does.",
        )
