"""Reverting a migration: one transaction that saves, undoes and proves it.

What is half in place, online, is taken back by its own steps instead.
"""

import time
from dataclasses import dataclass

from flows.database.attempt import Committed, Say, Work, commit_once, insist
from flows.database.before import Before, look_back
from flows.database.condemned import condemned
from flows.database.connection import Conn, reading
from flows.database.dependents import (
    assert_clear,
    gone_with_it,
    in_the_way,
)
from flows.database.fingerprint import (
    Fingerprint,
    differences,
    differing,
    of_others,
    take_fingerprint,
)
from flows.database.keeping import Keeper, keep_and_do
from flows.database.ledger import (
    read_run,
    read_runs,
    record_state,
)
from flows.database.online.crew import Felt
from flows.database.online.undo import undo_unfinished
from flows.database.saving import Copy
from flows.database.transaction import FencedTransaction
from flows.database.undoing import put_back_all, undo
from flows.migration.commit_state import CommitState
from flows.migration.errors import Blocked, RollbackFailed
from flows.migration.flight import Flight
from flows.migration.locks import tables_of
from flows.migration.losses import losses
from flows.migration.mentions import Mentions, mentions_of
from flows.migration.report import Saved
from flows.migration.script import Script
from flows.migration.strategy import Strategy


@dataclass(frozen=True)
class Reverted:
    """What a revert undid.

    Attributes:
        catalogue: what the catalogue must be from now on.
        of_others: objects that somebody else has made or changed meanwhile.
        strategy: online where the steps of an unfinished deployment were taken back.
    """

    saved: list[Saved]
    catalogue: Fingerprint
    of_others: list[str]
    strategy: Strategy = "transactional"


def revert(flight: Flight, reason: str, say: Say) -> Committed[Reverted]:
    """Run down.sql, with what it deletes saved and the result proved, in one COMMIT.

    down.sql is the inverse of the whole: where a deployment has come only half the way,
    or half the way back, its steps are taken back instead.

    Raises:
        Busy, LocksNotObtained, Blocked: nothing was changed.
        InTheWay, StatementFailed, BudgetExceeded, RollbackFailed: the migration is
            still there.
        CommitUnknown: nobody can say what became of the COMMIT.
    """
    down = flight.migration.down
    with condemned(flight, reason):
        if down:
            insist(flight, lambda: _look_ahead(flight, down))
        undone = _revert_steps(flight, reason, say)
        if undone:
            return undone
        if down is None:
            raise RollbackFailed(
                f"Migration {flight.migration.version} has no down.sql: it was declared"
                " irreversible and is still in place",
                "Decide by hand: repair the application, or write a migration that"
                " undoes it.",
            )
        return _revert_all(flight, down, reason, say)


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


def _revert_steps(flight: Flight, reason: str, say: Say) -> Committed[Reverted] | None:
    """None where nothing is half in place, or down.sql has to."""
    if flight.found_state != "applying":
        return None
    felt = Felt()
    started = time.monotonic()
    try:
        undone = insist(flight, lambda: undo_unfinished(flight, reason, felt, say))
    except BaseException:
        flight.report.add_in_vain(felt.waits, felt.locks)
        raise
    if undone is None:
        return None
    return Committed(
        result=Reverted(felt.saved, undone.catalogue, undone.of_others, "online"),
        attempt=1,
        total_ms=(time.monotonic() - started) * 1_000,
        statements=felt.statements,
        locks=felt.locks,
        waits=felt.waits,
        commit=CommitState.ACKED,
        is_replicated=True,
    )


def _revert_all(
    flight: Flight, down: Script, reason: str, say: Say
) -> Committed[Reverted]:
    def revert_with(copies: list[Copy]) -> Committed[Reverted]:
        work = Work(
            name="rollback",
            tables=tables_of(down),
            run=lambda transaction: _revert(transaction, flight, copies, reason, say),
            has_committed=lambda conn: is_reverted(conn, flight),
        )
        return commit_once(flight, work, say)

    return keep_and_do(flight, losses(down.nodes), revert_with, say)


def is_reverted(conn: Conn, flight: Flight) -> bool:
    """No row at all is a server that has never seen the deployment: a failover's."""
    run = read_run(conn, flight.in_place_as)
    return run is not None and run.state == "rolled_back"


def _look_ahead(flight: Flight, down: Script) -> None:
    """So that nothing is copied in vain; what counts is looked at under the locks."""
    with reading(flight.target, f"{flight.migration.version} look ahead") as conn:
        run = read_run(conn, flight.in_place_as)
        if run:
            look_back(conn, run, down)


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
    before = look_back(conn, run, down)
    keeper = Keeper(transaction, flight, copies, run.run_id)
    transaction.start_clock()
    keeper.save(down.path.name, say)
    assert_clear(conn, before.drops, before.after, before.now)
    for statement in down.statements:
        if not keeper.take(statement):
            undo(transaction, statement, before.replaced)
        say(statement.summary)
    put_back_all(transaction, before.replaced, down.path.name, say)
    # Before the proof: a trigger that is deferred may change the catalogue, too.
    transaction.fire_deferred()
    transaction.limit_statement()
    found = take_fingerprint(conn)
    others = _assert_same(before, found, mentions_of(flight.migration.up, down))
    saved = keeper.finish(say)
    record_state(conn, run, "rolled_back", reason, flight.run_id)
    return Reverted(saved=saved, catalogue=found, of_others=others)


def _assert_same(before: Before, found: Fingerprint, mentions: Mentions) -> list[str]:
    """Prove that it is as before, but for what others have done; returns that.

    Raises:
        InTheWay: objects that were made since are gone with it.
        RollbackFailed: naming what is not as it was.
    """
    expected = before.expected
    lost = gone_with_it(expected, found, before.after)
    if lost:
        raise in_the_way(lost)
    others = of_others(
        differing(expected, found), before.was, before.now, found, mentions
    )
    different = differences(expected, found, others)
    if different:
        raise RollbackFailed(
            "After down.sql the schema would not be as before, so it was not"
            " committed:\n" + "\n".join(different),
            "Correct down.sql: it must undo all that up.sql does.",
        )
    return others
