"""Saving rows in the very statement that deletes them: nothing is copied ahead."""

from collections.abc import Collection

from psycopg import sql

from flows.database.connection import Conn, one, rows
from flows.database.queries import query
from flows.database.renumbered import assert_names_last, dropped_with
from flows.database.restore import text_form_pinned
from flows.database.saving import Copy, open_set
from flows.database.shape import Shape, names_of, shape_in, texts
from flows.database.transaction import FencedTransaction
from flows.migration.flight import Flight
from flows.migration.losses import Deletion, Loss, deletion
from flows.migration.script import Statement


def take(
    transaction: FencedTransaction,
    flight: Flight,
    statement: Statement,
    copied: Collection[int],
) -> Copy | None:
    """Run a DELETE so that what it deletes is saved by it.

    Args:
        copied: oids of the tables that are saved already.

    Returns:
        None where that cannot be: nothing was run then.
    """
    conn = transaction.conn
    found = deletion(statement.node)
    shape = _takable(conn, flight, found) if found else None
    if found is None or shape is None or shape.oid in copied:
        return None
    saved_id = open_set(conn, flight, shape)
    with text_form_pinned(conn):
        text = _saving(conn, statement, sql.Identifier(found.alias), shape, saved_id)
        taken = transaction.run(statement, text)
    values = {"run_id": flight.in_place_as, "rows": taken, "saved_id": saved_id}
    conn.execute(query("keep_saved"), values)
    return Copy(Loss(shape.name, some=True), saved_id, "", taken, shape)


def _takable(conn: Conn, flight: Flight, found: Deletion) -> Shape | None:
    tables = rows(conn, "resolve_table", table=found.table)
    if not tables or not one(conn, "can_be_taken", oid=tables[0]["oid"])["can"]:
        return None
    dropped = dropped_with(conn, flight)
    shape = shape_in(conn, tables[0], None, dropped)
    if shape:
        assert_names_last(conn, shape, dropped)
    return shape


def _saving(
    conn: Conn,
    statement: Statement,
    alias: sql.Identifier,
    shape: Shape,
    saved_id: int,
) -> str:
    return (
        query("take_rows")
        .format(
            # Literal because it is the migration's own statement.
            delete=sql.SQL(statement.text),
            keys=texts(names_of(shape.keys), alias),
            values=texts(names_of(shape.values), alias),
            saved_id=sql.Literal(saved_id),
        )
        .as_string(conn)
    )
