"""Saving what a rollback would delete, in the same transaction."""

from dataclasses import dataclass
from uuid import UUID

from psycopg import sql

from flows.database.connection import Conn, one, reading, rows
from flows.database.queries import query
from flows.migration.losses import Loss, losses
from flows.migration.report import Saved
from flows.migration.script import Script
from flows.migration.target import Target


@dataclass(frozen=True)
class _Shape:
    """A table's columns in two groups, each as pairs of name and type."""

    table: sql.Identifier
    name: str
    keys: list[tuple[str, str]]
    values: list[tuple[str, str]]
    is_lone_column: bool

    @property
    def filled(self) -> sql.Composable:
        """Which rows have something to lose: of a lone column those with a value."""
        if self.is_lone_column:
            return sql.SQL("{} IS NOT NULL").format(sql.Identifier(self.values[0][0]))
        return sql.SQL("true")

    def texts(self, columns: list[tuple[str, str]]) -> sql.Composed:
        return sql.SQL(", ").join(
            sql.SQL("{}::text").format(sql.Identifier(name)) for name, _ in columns
        )


def save(conn: Conn, loss: Loss, run_id: UUID, version: str) -> Saved | None:
    """Copy what one loss would delete into the ledger, every value as text.

    The table must be locked already, so that nothing changes between the copy and
    the deletion. None when the column or table is not there.
    """
    shape = _shape(conn, loss)
    if shape is None:
        return None
    conn.execute(query("pin_text_form"))
    saved_id = one(
        conn,
        "insert_saved",
        run_id=run_id,
        version=version,
        relation=shape.name,
        key_names=[name for name, _ in shape.keys],
        key_types=[type_ for _, type_ in shape.keys],
        value_names=[name for name, _ in shape.values],
        value_types=[type_ for _, type_ in shape.values],
    )["id"]
    copied = conn.execute(
        query("copy_rows").format(
            saved_id=sql.Literal(saved_id),
            keys=shape.texts(shape.keys),
            values=shape.texts(shape.values),
            table=shape.table,
            filled=shape.filled,
        )
    ).rowcount
    conn.execute(query("update_saved"), {"rows": copied, "saved_id": saved_id})
    return Saved(table=shape.name, column=loss.column, rows=copied)


def preview(target: Target, down: Script) -> list[Saved]:
    """What a rollback would save now, without saving it."""
    counted = []
    with reading(target, "preview rollback") as conn:
        for loss in losses(down):
            shape = _shape(conn, loss)
            if shape:
                statement = query("count_rows").format(
                    table=shape.table, filled=shape.filled
                )
                row = conn.execute(statement).fetchone()
                assert row is not None
                kept = Saved(table=shape.name, column=loss.column, rows=row["rows"])
                counted.append(kept)
    return counted


def lock_table(conn: Conn, loss: Loss) -> None:
    """Take at once the lock that the deletion will need.

    A weaker one would have to be raised later, and that can deadlock with a session
    that reads the table and then writes to it.
    """
    shape = _shape(conn, loss)
    if shape:
        conn.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(shape.table)
        )


def _shape(conn: Conn, loss: Loss) -> _Shape | None:
    tables = rows(conn, "resolve_table", table=loss.table)
    if not tables:
        return None
    table = tables[0]
    columns = rows(conn, "select_row_shape", oid=table["oid"])
    keys = [(c["name"], c["type"]) for c in columns if c["is_key"]]
    lost = [
        (c["name"], c["type"])
        for c in columns
        if loss.column is None or c["name"] == loss.column
    ]
    if not lost:
        return None
    return _Shape(
        table=sql.Identifier(table["schema"], table["name"]),
        name=f"{table['schema']}.{table['name']}",
        # Without a primary key only the whole row names a row.
        keys=keys or [(c["name"], c["type"]) for c in columns],
        values=lost,
        is_lone_column=loss.column is not None,
    )
