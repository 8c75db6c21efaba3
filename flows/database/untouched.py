"""Rows of a column with a default: whether their value may be a user's.

All rows have a value as soon as such a column is there, so that a value says nothing.
What says something is who wrote the row last, and whether that was before.
"""

from uuid import UUID

from psycopg import sql

from flows.database.connection import Conn
from flows.database.queries import query
from flows.migration.losses import Loss

CHANGED = "a trigger makes another value of it"
MAY_BE_CHOSEN = "the row was written since the column is there, perhaps by a user"


def note_horizon(conn: Conn, version: str, column: Loss) -> None:
    """Note when a column was made, in the transaction that has made it.

    Nothing is noted where it has no default, or nothing is saved of it, or another
    transaction has made it.
    """
    values = {"version": version, "table": column.table, "column": column.column}
    conn.execute(query("note_horizon"), values)


def untouched(
    horizon: str,
    run_id: UUID,
    relation: str,
    key_names: list[str] | None,
    value_names: list[str],
) -> sql.Composable:
    """A condition on the table's row `t`, of the saved row `s`.

    Args:
        run_id: the deployment that has made the column, and puts back.
        key_names: None where there is no key: then what we put back into another column
            of the row is not told from what a user writes.
    """
    since = query("is_untouched").format(horizon=sql.Literal(horizon))
    if key_names is None:
        return since
    return query("is_untouched_but_by_us").format(
        untouched=since,
        run_id=sql.Literal(run_id),
        relation=sql.Literal(relation),
        key_names=sql.Literal(key_names),
        value_names=sql.Literal(value_names),
        changed=sql.Literal(CHANGED),
    )
