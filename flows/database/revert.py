"""Reverting a migration: one transaction that saves, undoes and proves it."""

from dataclasses import dataclass

from flows.database.attempt import Committed, Say, Work, commit_once, insist
from flows.database.condemned import condemned
from flows.database.connection import Conn, reading
from flows.database.fingerprint import (
    Fingerprint,
    differences,
    expected_after_revert,
    take_fingerprint,
)
from flows.database.ledger import (
    Run,
    read_fingerprints,
    read_run,
    read_runs,
    record_state,
)
from flows.database.saving import Copy, copy_ahead, lock_table, save
from flows.database.transaction import FencedTransaction
from flows.migration.errors import Blocked, RollbackFailed
from flows.migration.flight import Flight
from flows.migration.locks import tables_of
from flows.migration.losses import losses
from flows.migration.report import Saved


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
        StatementFailed, BudgetExceeded, RollbackFailed: the migration is still there.
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


def _revert(
    transaction: FencedTransaction,
    flight: Flight,
    copies: list[Copy],
    reason: str,
    say: Say,
) -> Reverted:
    conn, version, down = (
        transaction.conn,
        flight.migration.version,
        flight.migration.down,
    )
    assert down
    run = read_runs(conn).get(version)
    if run is None or not run.is_in_place:
        raise Blocked(f"Migration {version} is not in place: nothing to roll back")
    before, after = read_fingerprints(conn, run.run_id)
    expected = expected_after_revert(before, after, take_fingerprint(conn))
    transaction.start_clock()
    saved = []
    for copy in copies:
        summary = f"save what {copy.loss.table} would lose"
        with transaction.step(down.path.name, summary):
            lock_table(conn, copy.loss)
            kept = save(conn, copy, run.run_id)
        if kept:
            saved.append(kept)
            say(f"Saved {kept.rows:,} rows of {kept.table}")
    for statement in down.statements:
        transaction.run(statement)
        say(statement.summary)
    transaction.limit_statement()
    _assert_same(expected, take_fingerprint(conn))
    record_state(conn, run, "rolled_back", reason, flight.run_id)
    return Reverted(run=run, saved=saved, catalogue=expected)


def _assert_same(expected: Fingerprint, found: Fingerprint) -> None:
    different = differences(expected, found)
    if different:
        raise RollbackFailed(
            "After down.sql the schema would not be as before, so it was not"
            " committed:\n" + "\n".join(different),
            "Correct down.sql: it must undo all that up.sql does.",
        )
