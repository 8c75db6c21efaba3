"""Which columns of a table name its rows, and which of them are to be saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from flows.database.connection import Conn, one, rows
from flows.migration.losses import Loss
from flows.migration.names import identifier

Dropped = Mapping[int, frozenset[str]]
"""Columns that one rollback drops, by their table's oid."""
NOTHING: Dropped = {}


@dataclass(frozen=True)
class Shape:
    """A table's columns in two groups, each as pairs of name and type.

    Attributes:
        own_rows: the table to read from, see `own_rows_of`.
        parts: the table's oid, and its partitions'.
        name: the table's, as SQL writes it in any search_path.
        keys: without a primary key all columns.
        is_steady: keys that are equal have the same text.
        dropped: columns that the same rollback drops. A key with one of them is none:
            whoever adds it again numbers the rows anew.
        values: those that are saved.
    """

    oid: int
    table: sql.Identifier
    own_rows: sql.Composable
    parts: frozenset[int]
    name: str
    keys: list[tuple[str, str]]
    values: list[tuple[str, str]]
    has_key: bool
    is_steady: bool
    is_lone_column: bool
    has_default: bool
    dropped: frozenset[str]

    @property
    def filled(self) -> sql.Composable:
        """Which rows have something to lose: of a lone column those with a value.

        With a default all have one to begin with, and NULL is somebody's choice.
        """
        if self.is_lone_column and not self.has_default:
            column = sql.Identifier(self.values[0][0])
            # Of a composite value IS NOT NULL means that all its fields have one.
            return sql.SQL("{} IS DISTINCT FROM NULL").format(column)
        return sql.SQL("true")


def texts(columns: Iterable[str], table: sql.Composable | None = None) -> sql.Composed:
    """Each column's text, all in one collation: an array can have no other.

    Args:
        table: what they are qualified with.
    """
    before = sql.SQL("{}.").format(table) if table else sql.SQL("")
    return sql.SQL(", ").join(
        sql.SQL('({}{}::text COLLATE pg_catalog."default")').format(
            before, sql.Identifier(name)
        )
        for name in columns
    )


def names_of(columns: Iterable[tuple[str, str]]) -> list[str]:
    """Without their types."""
    return [name for name, _ in columns]


def same_key(shape: Shape) -> sql.Composed:
    """Whether a row t of the table is the one that s was saved of."""
    return sql.SQL(" AND ").join(
        sql.SQL("t.{} = s.key_texts[{}]::{}").format(
            sql.Identifier(column), sql.Literal(number), sql.SQL(type_)
        )
        for number, (column, type_) in enumerate(shape.keys, start=1)
    )


def own_rows_of(table: dict[str, Any]) -> sql.Composed:
    """The table without those that inherit from it: they have rows of their own.

    They may have more columns, and the same keys once more. A partition's rows are
    those of its table.

    Args:
        table: a row of the query resolve_table.
    """
    only = sql.SQL("" if table["is_partitioned"] else "ONLY ")
    return sql.SQL("{}{}").format(only, sql.Identifier(table["schema"], table["name"]))


def shape_of(conn: Conn, loss: Loss, dropped: Dropped = NOTHING) -> Shape | None:
    """None when the column or table is not there, or holds nothing of its own."""
    tables = rows(conn, "resolve_table", table=loss.table)
    return shape_in(conn, tables[0], loss.column, dropped) if tables else None


def shape_in(
    conn: Conn, table: dict[str, Any], column: str | None, dropped: Dropped = NOTHING
) -> Shape | None:
    """The same for a row of the query resolve_table."""
    columns = rows(conn, "select_row_shape", oid=table["oid"])
    gone = dropped.get(table["oid"], frozenset())
    keys = [(c["name"], c["type"]) for c in columns if c["is_key"]]
    if not gone.isdisjoint(names_of(keys)):
        keys = []
    written = [(c["name"], c["type"]) for c in columns if not c["is_generated"]]
    lost = [pair for pair in written if column is None or pair[0] == column]
    if not lost:
        return None
    return Shape(
        oid=table["oid"],
        table=sql.Identifier(table["schema"], table["name"]),
        own_rows=own_rows_of(table),
        parts=frozenset(one(conn, "select_parts", oid=table["oid"])["parts"]),
        name=f"{identifier(table['schema'])}.{identifier(table['name'])}",
        # Without a primary key only the whole row names a row.
        keys=keys or written,
        values=lost,
        has_key=bool(keys),
        is_steady=all(c["is_steady"] for c in columns if c["is_key"]),
        is_lone_column=column is not None,
        has_default=any(c["has_default"] for c in columns if c["name"] == column),
        dropped=gone,
    )
