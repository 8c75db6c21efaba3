"""What the online strategy runs: short steps, each recorded and each repeatable."""

from dataclasses import dataclass
from typing import Literal

from flows.migration.locks import Lock

Kind = Literal["brief", "backfill", "index", "drop-index", "validate"]


@dataclass(frozen=True)
class Made:
    """Something that a step makes.

    Attributes:
        name: as SQL writes it; a table's parts follow it, as in ``platform.users.id``.
        exists: a SELECT of one boolean: is there such a thing?
        undo: a statement that removes it, and does nothing where it is gone.
        must_be_new: up.sql has no IF NOT EXISTS, OR REPLACE or the like: in one
            transaction it would fail where there is such a thing already.
        is_old: nothing but the name is new, so what it holds was there before.
    """

    name: str
    exists: str
    undo: str
    must_be_new: bool
    is_old: bool = False


@dataclass(frozen=True, kw_only=True)
class OnlineStep:
    """One step. It may be run again after a crash in its middle or just after it.

    Before a step runs for the first time, and never again, ask for each thing that
    it makes whether it exists. What was there before is not this migration's: with
    ``must_be_new`` that is a failure, else its undo must not be run.

    All SQL is to be run as it is, without parameters, but for the templates: a
    backfill's statement and ``clear_orphans`` are UPDATEs of one physical range with
    the placeholders ``%(low)s`` and ``%(high)s`` of psycopg, both tids as text, low
    included and high not; percent signs are doubled in these.
    One takes the range of each partition and child table as well, so the last block is
    that of the largest of them.

    Attributes:
        number: from 1, in the order of running.
        kind: brief: all statements in one short transaction. backfill: one template.
            index, drop-index, validate: one statement, outside of a transaction.
        where: file:line:column of the statement that it comes from.
        table: that a backfill, index or validate step works on.
        locks: the strongest on each table while the step runs.
        makes: what it leaves behind, in the order of making.
        is_undoable: undoing all steps up to this one brings back what was before.
            False where the text does not tell what that was (DROP, SET DEFAULT).
            What triggers of the database's own change meanwhile is not counted.
        owns: names of things that this step or an earlier one makes (`Made.name`), and
            that the step changes as the migration's own, although IF NOT EXISTS or OR
            REPLACE lets them have been there. Where one was, the step is not
            undoable, and its clear_orphans must not be run.
        left: of a backfill: a SELECT of the ctid and xmin of each row that is left.
            When one is left although it was changed, the new value never arrives (a
            trigger, or a type that rounds it): give up.
        overwrites: of a backfill: columns that it sets also where they have a value.
        written: of a backfill: the UPDATE as it stands in the file.
        index: of an index step: its name. CREATE INDEX CONCURRENTLY IF NOT EXISTS
            keeps an INVALID leftover: drop that first.
        orphans: of a foreign key's validate step: a SELECT of the keys that refer to
            no row, which VALIDATE would fail on.
        clear_orphans: of one with ON DELETE SET NULL: a template that does what the
            foreign key would have done, had it been there already.
    """

    number: int = 0
    kind: Kind
    where: str
    summary: str
    statements: tuple[str, ...]
    table: str | None = None
    locks: tuple[Lock, ...] = ()
    makes: tuple[Made, ...] = ()
    is_undoable: bool = True
    owns: tuple[str, ...] = ()
    left: str | None = None
    overwrites: tuple[str, ...] = ()
    written: str | None = None
    index: str | None = None
    orphans: str | None = None
    clear_orphans: str | None = None

    @property
    def undo(self) -> tuple[str, ...]:
        """Statements that take the step back, in the order of running.

        An index step's cannot run in a transaction.
        """
        return tuple(made.undo for made in reversed(self.makes))
