"""Of the rows that were saved, forgetting those that down.sql has left as they were."""

from collections.abc import Collection
from uuid import UUID

from psycopg import sql

from flows.database.connection import Conn, rows
from flows.database.queries import query
from flows.database.restore import text_form_pinned
from flows.database.saving import Copy
from flows.database.shape import Shape, same_key, shape_in, texts
from flows.migration.errors import RollbackFailed
from flows.migration.report import Saved


def keep_only_lost(
    conn: Conn,
    copy: Copy,
    saved: Saved,
    run_id: UUID,
    *,
    apart: Collection[str] = (),
    is_overwritten: bool = False,
) -> Saved:
    """In the transaction that ran down.sql.

    A row that is left unchanged is no loss, and whoever deletes it later must not find
    it put back.

    Args:
        apart: columns of the table that are saved on their own.
        is_overwritten: down.sql has changed rows of the table, and not only deleted.

    Raises:
        RollbackFailed: nothing tells which row it was that was overwritten.
    """
    if copy.loss.column is not None:
        return saved
    tables = rows(conn, "resolve_left", oid=copy.shape.oid, table=copy.shape.name)
    dropped = {copy.shape.oid: copy.shape.dropped}
    with text_form_pinned(conn):
        left = shape_in(conn, tables[0], None, dropped) if tables else None
        if left is None or (copy.shape.has_key and left.keys != copy.shape.keys):
            return saved
        kept = saved.rows - _forget(conn, copy, left, apart)
    is_overwritten |= not {*copy.shape.values} <= {*left.values}
    if kept and is_overwritten and tables[0]["is_same"] and not copy.shape.has_key:
        raise RollbackFailed(
            f"down.sql overwrites values of {copy.shape.name}, which has no primary"
            " key: nothing would tell later which row a saved one was, so nothing was"
            " committed",
            "Give the table a primary key, or have down.sql leave its rows alone.",
        )
    if copy.loss.some and not kept:
        conn.execute(query("forget_set"), {"saved_id": copy.saved_id})
        return saved.model_copy(update={"rows": 0})
    values = {"run_id": run_id, "rows": kept, "saved_id": copy.saved_id}
    conn.execute(query("keep_saved"), values)
    return saved.model_copy(update={"rows": kept})


def _forget(conn: Conn, copy: Copy, left: Shape, apart: Collection[str]) -> int:
    there = {name for name, _ in left.values}
    present, saved_present, missing = [], [], [sql.SQL("true").format()]
    for number, column in enumerate(copy.shape.values, start=1):
        text = sql.SQL("s.value_texts[{}]").format(sql.Literal(number))
        if column[0] in there:
            present.append(column[0])
            saved_present.append(text)
        elif column[0] not in apart:
            missing.append(sql.SQL("{} IS NULL").format(text))
    name = "forget_survivors" if copy.shape.has_key else "forget_like_survivors"
    statement = query(name).format(
        saved_id=sql.Literal(copy.saved_id),
        own_rows=left.own_rows,
        same_key=same_key(left),
        present=texts(present, sql.Identifier("t")),
        saved_present=sql.SQL(", ").join(saved_present),
        nothing_missing=sql.SQL(" AND ").join(missing),
    )
    return conn.execute(statement).rowcount
