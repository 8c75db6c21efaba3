"""A runner of online steps that is as bare as can be, and what a database holds.

It keeps to what `OnlineStep` promises and to nothing else: the executor of the
product may do more (locks, pauses, a journal), and must come to the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import sql

from flows.database.connection import Conn
from flows.database.fingerprint import Fingerprint, take_fingerprint
from flows.migration.online.steps import Made, OnlineStep

CORPUS = Path(__file__).parent / "online_corpus"

TUPLES_OF_A_BATCH = 8
MOST_TUPLES_OF_A_PAGE = 291
"""Of a page of 8 kB, with the smallest tuple there is (MaxHeapTuplesPerPage)."""
MOST_SWEEPS = 5

TABLES = """
    SELECT n.nspname AS schema, c.relname AS name
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname IN ('shop', 'lab')
    ORDER BY 1, 2
"""
ROWS = "SELECT t::text AS row FROM {} AS t ORDER BY 1"
BLOCKS = """
    WITH RECURSIVE family (oid) AS (
        SELECT %s::regclass::oid
        UNION
        SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i
        JOIN family AS f ON f.oid = i.inhparent
    )
    SELECT max(pg_relation_size(oid)) / 8192 AS blocks FROM family
"""
"""Of the table, or of its largest partition: a batch takes the range of each."""


@dataclass(frozen=True)
class Held:
    """What a database holds: its schema, and the rows of each table as text."""

    schema: Fingerprint
    rows: dict[str, list[str]]


def held(conn: Conn) -> Held:
    tables = conn.execute(TABLES).fetchall()
    return Held(
        take_fingerprint(conn),
        {
            f"{table['schema']}.{table['name']}": [
                str(row["row"]) for row in conn.execute(_all_of(table)).fetchall()
            ]
            for table in tables
        },
    )


def _all_of(table: dict[str, str]) -> sql.Composed:
    return sql.SQL(ROWS).format(sql.Identifier(table["schema"], table["name"]))


@dataclass
class Runner:
    """Runs steps, and knows how to take them back.

    Attributes:
        is_unlucky: it is killed in the middle of each step, and again just after it.
    """

    conn: Conn
    is_unlucky: bool = False
    taken_back_by: list[str] = field(default_factory=list)
    found: set[str] = field(default_factory=set)
    """Names of things that were there before the step that makes them."""

    def run(self, steps: Sequence[OnlineStep]) -> None:
        for step in steps:
            self._note(step)
            self._run(step)

    def run_what_can_be_undone(self, steps: Sequence[OnlineStep]) -> None:
        """The steps before the first that says that it cannot."""
        for step in steps:
            self._note(step)
            if not step.is_undoable or self.found.intersection(step.owns):
                return
            self._run(step)

    def _run(self, step: OnlineStep) -> None:
        if self.is_unlucky:
            self._interrupted(step)
            self._whole(step)
        self._whole(step)

    def take_back(self) -> None:
        """Run every `undo`, the last step's first."""
        for statement in reversed(self.taken_back_by):
            self.conn.execute(statement.encode())

    def _note(self, step: OnlineStep) -> None:
        for made in step.makes:
            if self._exists(made):
                assert not made.must_be_new, f"{made.name} is there already"
                self.found.add(made.name)
            else:
                self.taken_back_by.append(made.undo)

    def _exists(self, made: Made) -> bool:
        return self._answer(made.exists)

    def _whole(self, step: OnlineStep) -> None:
        match step.kind:
            case "brief":
                self._brief(step.statements)
            case "backfill":
                assert step.left
                remaining = f"SELECT EXISTS ({step.left})"
                self._sweep(step, step.statements[0], remaining)
            case "validate":
                self._validate(step)
            case _:
                self._alone(step.statements)

    def _interrupted(self, step: OnlineStep) -> None:
        """A transaction is rolled back, a backfill stays half done."""
        if step.kind == "backfill":
            assert step.table
            for low, high in list(self._ranges(step.table))[::2]:
                self._batch(step.statements[0], low, high)
        elif step.kind in ("brief", "validate"):
            with self.conn.transaction(force_rollback=True):
                self._alone(step.statements)

    def _brief(self, statements: Sequence[str]) -> None:
        with self.conn.transaction():
            self._alone(statements)

    def _alone(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self.conn.execute(statement.encode())

    def _validate(self, step: OnlineStep) -> None:
        if step.clear_orphans and not self.found.intersection(step.owns):
            remaining = f"SELECT EXISTS ({step.orphans})"
            self._sweep(step, step.clear_orphans, remaining)
        self._alone(step.statements)

    def _sweep(self, step: OnlineStep, template: str, remaining: str) -> None:
        assert step.table
        sweeps = 0
        while self._answer(remaining):
            sweeps += 1
            assert sweeps <= MOST_SWEEPS, f"never done: {template}"
            for low, high in self._ranges(step.table):
                self._batch(template, low, high)
        changed = [self._batch(template, *r) for r in self._ranges(step.table)]
        assert not any(changed), f"not remaining, and changed: {template}"

    def _batch(self, template: str, low: str, high: str) -> int:
        return self.conn.execute(template.encode(), {"low": low, "high": high}).rowcount

    def _ranges(self, table: str) -> Iterator[tuple[str, str]]:
        """Far smaller than the executor's, so that a table of 50 rows has several."""
        found = self.conn.execute(BLOCKS, [table]).fetchone()
        assert found
        for block in range(int(found["blocks"])):
            for low in range(0, MOST_TUPLES_OF_A_PAGE, TUPLES_OF_A_BATCH):
                yield f"({block},{low})", f"({block},{low + TUPLES_OF_A_BATCH})"

    def _answer(self, query: str) -> bool:
        row = self.conn.execute(query.encode()).fetchone()
        return bool(row and next(iter(row.values())))


def plainly(conn: Conn, statements: Sequence[str]) -> Held:
    """What the database would hold after one transaction, which is rolled back."""
    with conn.transaction(force_rollback=True):
        for statement in statements:
            conn.execute(statement.encode())
        return held(conn)
