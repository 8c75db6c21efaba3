"""Single values in single rows: what a probe wrote, and what was there before."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import sql

from flows.database.connection import (
    CONNECT_ATTEMPTS,
    Conn,
    rows,
    session,
    set_local,
)
from flows.migration.errors import Inconclusive, PgflightError, QueryFailed
from flows.migration.probe import Cell
from flows.migration.target import Target

LOCK_TIMEOUT_MS = 2_000


def read_cell(target: Target, cell: Cell) -> str | None:
    """The value as text, from a session of its own; None for NULL.

    Raises:
        QueryFailed: ``where`` names no row, or more than one.
    """
    with session(target, "read back") as conn:
        return _read(conn, cell)


@contextmanager
def left_as_found(target: Target, cells: Sequence[Cell]) -> Iterator[None]:
    """Put the cells back to what they were, however the block ends.

    Raises:
        Inconclusive: they could not be put back; the block's own error counts more,
            and says it too.
    """
    with session(target, "note cells", attempts=CONNECT_ATTEMPTS) as conn:
        found = [_read(conn, cell) for cell in cells]
    try:
        yield
    except BaseException as error:
        lost = _put_back(target, cells, found)
        if lost and isinstance(error, PgflightError):
            error.message += f"\n{lost.message}"
        raise
    lost = _put_back(target, cells, found)
    if lost:
        raise lost


def _put_back(
    target: Target, cells: Sequence[Cell], found: Sequence[str | None]
) -> Inconclusive | None:
    """The error that kept it from being done, if there was one."""
    try:
        with session(target, "restore cells", attempts=CONNECT_ATTEMPTS) as conn:
            set_local(conn, "lock_timeout", LOCK_TIMEOUT_MS)
            for cell, value in zip(cells, found, strict=True):
                _write(conn, cell, value)
            conn.commit()
    except PgflightError as error:
        names = ", ".join(f"{cell.table}.{cell.column}" for cell in cells)
        return Inconclusive(
            f"The smoke test could not leave {names} as found: {error.message}",
            "Put the value back by hand where the smoke test's row needs it.",
        )
    return None


def _read(conn: Conn, cell: Cell) -> str | None:
    found = conn.execute(
        sql.SQL(
            "SELECT {column}::text AS value FROM {table} WHERE {where} LIMIT 2"
        ).format(**_names(conn, cell)),
        _where_values(cell),
    ).fetchall()
    if len(found) != 1:
        raise QueryFailed(
            f"{len(found) or 'No'} rows of {cell.table} have"
            f" {' and '.join(cell.where)} as the smoke test says",
            "Correct the target's values for the smoke test: exactly one row is meant.",
        )
    value = found[0]["value"]
    return None if value is None else str(value)


def _write(conn: Conn, cell: Cell, value: str | None) -> None:
    statement = sql.SQL(
        "UPDATE {table} SET {column} = %(value)s"
        " WHERE {where} AND {column}::text IS DISTINCT FROM %(text)s::text"
    ).format(**_names(conn, cell))
    values = {**_where_values(cell), "value": value, "text": value}
    conn.execute(statement, values)


def _where_values(cell: Cell) -> dict[str, str]:
    """By number: a column may have any name, even that of another parameter."""
    return {f"where_{n}": value for n, value in enumerate(cell.where.values())}


def _names(conn: Conn, cell: Cell) -> dict[str, sql.Composable]:
    tables = rows(conn, "resolve_table", table=cell.table)
    if not tables:
        raise QueryFailed(f"The smoke test names table {cell.table}: it does not exist")
    conditions = (
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(f"where_{n}"))
        for n, name in enumerate(cell.where)
    )
    return {
        "table": sql.Identifier(tables[0]["schema"], tables[0]["name"]),
        "column": sql.Identifier(cell.column),
        "where": sql.SQL(" AND ").join(conditions),
    }
