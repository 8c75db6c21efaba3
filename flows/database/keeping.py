"""A rollback's net: nothing that it deletes or overwrites goes unsaved."""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar
from uuid import UUID

from flows.database.attempt import Say, insist
from flows.database.ledger import FENCE_KEY
from flows.database.saving import Copy, Unsaved, copy_ahead, lock_table, save
from flows.database.sequences import Sequence, note_sequences, save_sequences
from flows.database.survivors import keep_only_changed, keep_only_lost
from flows.database.taking import take
from flows.database.transaction import FencedTransaction
from flows.database.unsaved import (
    LARGE_OBJECTS,
    Changes,
    Noted,
    changes_since,
    note_tables,
    unsaved_in,
)
from flows.migration.allowance import toml_of
from flows.migration.errors import RollbackFailed
from flows.migration.flight import Flight
from flows.migration.losses import Loss, merged
from flows.migration.names import identifier, may_be_same
from flows.migration.report import Saved
from flows.migration.script import Statement

Result = TypeVar("Result")

_MOST_TRIES = 4
"""What a try shows to be lost is copied before the next one: with a trigger's rows
come those that its own triggers delete."""


def keep_and_do(
    flight: Flight,
    lost: Iterable[Loss],
    do: Callable[[list[Copy]], Result],
    say: Say,
    key: int = FENCE_KEY,
) -> Result:
    """Copy what would be lost, then do it; once more where it shows to lose more.

    Args:
        do: is given the copies, and raises Unsaved instead of committing.
        key: the advisory lock to take for the copying.

    Raises:
        RollbackFailed: what it loses is another thing each time.
    """
    lost = _wanted(flight, lost)
    unsaved: tuple[Loss, ...] = ()
    for _ in range(_MOST_TRIES):
        lost = merged([*lost, *unsaved])
        copy = partial(copy_ahead, flight, lost, key)
        try:
            return do(insist(flight, copy) if lost else [])
        except Unsaved as error:
            unsaved = error.lost
            say(f"It also loses {_listed(unsaved)}: taken back, to copy that first")
    raise RollbackFailed(
        f"Going back would lose what cannot be saved: {_listed(unsaved)}. Nothing was"
        " committed",
        "Have down.sql say so itself: DROP TABLE, ALTER TABLE … DROP COLUMN, DELETE or"
        " UPDATE with the table's full name, not by way of a function or a trigger.",
    )


class Keeper:
    """Saves, in the transaction that deletes, and sees that nothing was left out.

    Args:
        copies: what was copied ahead of it.
        run_id: the deployment that is taken back.
    """

    def __init__(
        self,
        transaction: FencedTransaction,
        flight: Flight,
        copies: list[Copy],
        run_id: UUID,
    ) -> None:
        self._transaction = transaction
        self._conn = transaction.conn
        self._flight = flight
        self._copies = copies
        self._run_id = run_id
        self._kept: list[tuple[Copy, Saved]] = []
        self._taken: list[tuple[Copy, Saved]] = []
        self._noted: Noted = note_tables(self._conn)
        self._sequences: list[Sequence] = []

    def save(self, where: str, say: Say) -> None:
        """Lock the tables, and bring their copies up to date."""
        for copy in self._copies:
            summary = f"save what {copy.loss.table} would lose"
            with self._transaction.step(where, summary):
                lock_table(self._conn, copy.loss)
                kept = save(self._conn, copy, self._run_id)
            if kept:
                self._kept.append((copy, kept))
                say(f"Saved {kept.rows:,} rows of {kept.table}")
        # As late as can be: nothing keeps them from going on meanwhile.
        self._sequences = note_sequences(self._conn)

    def take(self, statement: Statement) -> bool:
        """Run a DELETE with what it deletes saved; False where it was not run."""
        copied = {copy.shape.oid for copy, _ in self._kept if copy.loss.column is None}
        copy = take(self._transaction, self._flight, statement, copied)
        if copy:
            saved = Saved(table=copy.shape.name, column=None, rows=copy.rows)
            self._taken.append((copy, saved))
        return copy is not None

    def finish(self, say: Say) -> list[Saved]:
        """After the last statement: what was lost, and is saved.

        Raises:
            Unsaved: not all of it is.
            ApplyFailed: the COMMIT would fail.
            RollbackFailed: see `keep_only_lost`.
        """
        self._transaction.fire_deferred()
        changes = changes_since(self._conn, self._noted)
        taken: Counter[int] = Counter()
        for copy, _ in self._taken:
            taken[copy.shape.oid] += copy.rows
        unsaved = unsaved_in(changes, [copy for copy, _ in self._kept], taken)
        wanted = _wanted(self._flight, unsaved)
        if any(loss.table == LARGE_OBJECTS for loss in wanted):
            raise RollbackFailed(
                "down.sql deletes or overwrites large objects, which are not saved, so"
                " nothing was committed",
                "Have down.sql leave them alone. If they may go, allow it in"
                f" migration.toml:\n{toml_of('lose-rows', LARGE_OBJECTS)}",
            )
        if wanted:
            raise Unsaved(wanted)
        if unsaved:
            say(f"Not saved, as migration.toml allows: {_listed(unsaved)}")
        lost = [
            self._only_lost(changes, copy, saved)
            for copy, saved in (*self._kept, *self._taken)
        ]
        kept = zip((*self._kept, *self._taken), lost, strict=True)
        version = self._flight.migration.version
        return [
            *(saved for (copy, _), saved in kept if saved.rows or not copy.loss.some),
            *save_sequences(self._conn, self._sequences, self._run_id, version),
        ]

    def _only_lost(self, changes: Changes, copy: Copy, saved: Saved) -> Saved:
        oid = copy.shape.oid
        if copy.loss.column is not None:
            number = changes.column_number(oid, copy.loss.column)
            return keep_only_changed(self._conn, copy, saved, self._run_id, number)
        return keep_only_lost(
            self._conn,
            copy,
            saved,
            self._run_id,
            apart=self._columns_of(oid),
            is_overwritten=changes.is_overwritten(oid),
        )

    def _columns_of(self, oid: int) -> set[str]:
        return {
            copy.loss.column
            for copy, _ in self._kept
            if copy.shape.oid == oid and copy.loss.column is not None
        }


def _wanted(flight: Flight, lost: Iterable[Loss]) -> tuple[Loss, ...]:
    """Without what migration.toml allows to lose."""
    allowed = [
        allowance.key[1]
        for allowance in flight.migration.manifest.allow
        if allowance.what == "lose-rows"
    ]
    return tuple(
        loss
        for loss in lost
        if loss.column is not None
        or not any(may_be_same(name, loss.table) for name in allowed)
    )


def _listed(lost: Iterable[Loss]) -> str:
    return ", ".join(
        f"{loss.table}.{identifier(loss.column)}"
        if loss.column is not None
        else f"rows of {loss.table}"
        for loss in lost
    )
