"""Brief steps: a short transaction each, with the lock-timeout ladder."""

from collections.abc import Callable, Sequence

import psycopg

from flows.database.attempt import Committed, Work
from flows.database.connection import (
    Cause,
    Conn,
    cause_of,
    in_words,
)
from flows.database.dependents import in_the_way
from flows.database.fingerprint import Fingerprint, take_fingerprint
from flows.database.functions import note_functions, read_noted
from flows.database.keeping import Keeper, keep_and_do
from flows.database.ledger import busy, read_fingerprints, wait_for_fence
from flows.database.online.crew import Crew
from flows.database.online.orphans import clear_under_lock
from flows.database.online.patience import commit_patiently
from flows.database.saving import Copy
from flows.database.transaction import FencedTransaction
from flows.database.undoing import put_back_all
from flows.database.untouched import note_horizon
from flows.migration.errors import StatementFailed, not_replicated
from flows.migration.functions import functions_named
from flows.migration.losses import losses
from flows.migration.mentions import mentions_of
from flows.migration.online.steps import OnlineStep
from flows.migration.online.trees import parsed
from flows.migration.report import Saved

STEP_KEY = int.from_bytes(b"pgf:step", "big")
"""Advisory lock of each step's transaction: the fence itself is held by another
connection meanwhile. Whoever asks what became of a step's COMMIT waits for this one."""

LONG_MS = 3_600_000
"""Limit of a step that keeps nobody waiting, such as VALIDATE CONSTRAINT."""


def wait_for_last_step(conn: Conn) -> None:
    """A step of a run that was killed: the server needs a moment to notice it.

    Raises:
        Busy: it goes on; nothing was done.
    """
    try:
        with conn.transaction():
            wait_for_fence(conn, STEP_KEY)
    except psycopg.errors.LockNotAvailable:
        raise busy(conn, STEP_KEY) from None


def run_brief(
    crew: Crew, step: OnlineStep, keys: Sequence[OnlineStep] = ()
) -> Committed[None]:
    """Run a step's statements and end its journal entry, in one transaction.

    Args:
        keys: what validates the foreign keys that it adds.
    """

    names = functions_named(map(parsed, step.statements))

    def prepare(transaction: FencedTransaction) -> None:
        note_functions(transaction.conn, crew.journal.run_id, names)
        if keys:
            clear_under_lock(crew, transaction, keys)

    def note(transaction: FencedTransaction) -> None:
        conn = transaction.conn
        entry = crew.journal.entry(conn, step)
        # What its undo would remove is what was not there before.
        for lost in losses(map(parsed, entry.undo if entry else ())):
            if lost.column is not None:
                note_horizon(conn, crew.flight.migration.version, lost)

    budget_ms = crew.flight.budget_ms
    first = prepare if keys or names else None
    return _run(crew, step, step.statements, "done", budget_ms, first, note)


def run_patient(crew: Crew, step: OnlineStep) -> Committed[None]:
    """The same for a step that takes long and keeps nobody waiting."""
    return _run(crew, step, step.statements, "done", LONG_MS)


def undo_brief(crew: Crew, step: OnlineStep, undo: tuple[str, ...]) -> Committed[None]:
    """Take a step back and end its journal entry, in one transaction.

    What has been written meanwhile to a column or table of ours is saved first, and
    the functions that it replaced are put back, which may depend on what is removed.

    Raises:
        InTheWay: what others have made since would be gone with it.
    """
    # A backfill's is a template.
    texts = step.statements if step.kind == "brief" else ()
    names = functions_named(map(parsed, texts))

    def undo_with(copies: list[Copy]) -> Committed[None]:
        keepers: list[Keeper] = []
        saved: list[Saved] = []
        others: list[str] = []

        def save_first(transaction: FencedTransaction) -> None:
            before, _ = read_fingerprints(transaction.conn, crew.journal.run_id)
            others[:] = _made_by_others(crew, transaction.conn, before)
            keeper = Keeper(transaction, crew.flight, copies, crew.journal.run_id)
            keepers.append(keeper)
            keeper.save(step.where, crew.say)
            if names:
                noted = read_noted(transaction.conn, crew.journal.run_id)
                # A step notes what another one has made, too.
                replaced = [found for found in noted if found.identity in before]
                put_back_all(transaction, replaced, step.where, crew.say)

        def finish(transaction: FencedTransaction) -> None:
            left = take_fingerprint(transaction.conn)
            if gone := [name for name in others if name not in left]:
                raise in_the_way(gone)
            saved[:] = keepers[-1].finish(crew.say)

        budget_ms = crew.flight.budget_ms
        committed = _run(crew, step, undo, "undone", budget_ms, save_first, finish)
        crew.felt.saved += saved
        return committed

    lost = losses(map(parsed, undo))
    return keep_and_do(crew.flight, lost, undo_with, crew.say, STEP_KEY)


def _made_by_others(crew: Crew, conn: Conn, before: Fingerprint) -> list[str]:
    """Names of what was made since the deployment began, and not by its script."""
    mentions = mentions_of(crew.flight.migration.up)
    return [
        name
        for name in take_fingerprint(conn)
        if name not in before and not mentions.may_have_made(name, before)
    ]


def _run(
    crew: Crew,
    step: OnlineStep,
    statements: tuple[str, ...],
    state: str,
    limit_ms: int,
    first: Callable[[FencedTransaction], None] | None = None,
    last: Callable[[FencedTransaction], None] | None = None,
) -> Committed[None]:
    def run(transaction: FencedTransaction) -> None:
        crew.fence.assert_held()
        transaction.start_clock()
        if first:
            # Limited, and its locks are noted from here on.
            with transaction.step(step.where, step.summary):
                first(transaction)
        for text in statements:
            _execute(transaction, step, text)
        if last:
            transaction.limit_statement()
            last(transaction)
        crew.journal.end(transaction.conn, step, state)

    work = Work(
        name=f"step-{step.number}",
        tables=[lock.table for lock in step.locks],
        run=run,
        has_committed=_has_reached(crew, step, state),
        key=STEP_KEY,
    )
    committed = commit_patiently(crew, step, work, limit_ms)
    if not committed.is_replicated:
        raise not_replicated()
    return committed


def _execute(transaction: FencedTransaction, step: OnlineStep, text: str) -> None:
    try:
        with transaction.step(step.where, step.summary):
            transaction.conn.execute(text.encode())
    except psycopg.Error as error:
        if cause_of(error) is not Cause.REFUSAL:
            raise
        raise StatementFailed(
            f"{step.where}: {in_words(error)}",
            "\n".join(filter(None, [error.diag.message_detail, text])),
            error.sqlstate,
        ) from None


def _has_reached(crew: Crew, step: OnlineStep, state: str) -> Callable[[Conn], bool]:
    def ask(conn: Conn) -> bool:
        entry = crew.journal.entry(conn, step)
        return entry is not None and entry.state == state

    return ask
