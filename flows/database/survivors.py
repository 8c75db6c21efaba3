"""Of the rows that were saved, forgetting those that down.sql has left as they were."""

from collections.abc import Collection, Iterable, Mapping
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
    if kept and copy.shape.has_key:
        _note_overwritten(conn, copy, left, sql.SQL("true"))
    if copy.loss.some and not kept:
        conn.execute(query("forget_set"), {"saved_id": copy.saved_id})
        return saved.model_copy(update={"rows": 0})
    values = {"run_id": run_id, "rows": kept, "saved_id": copy.saved_id}
    conn.execute(query("keep_saved"), values)
    return saved.model_copy(update={"rows": kept})


def keep_only_changed(
    conn: Conn, copy: Copy, saved: Saved, run_id: UUID, number: int | None
) -> Saved:
    """The same of a column, which down.sql may only have given another type.

    A value that has stood all the time is no loss, and whoever empties it later must
    not find it put back; nor what down.sql has made of another one.

    Args:
        number: the column's.
    """
    oid = copy.shape.oid
    tables = rows(conn, "resolve_left", oid=oid, table=copy.shape.name)
    columns = rows(conn, "select_column_left", oid=oid, number=number)
    if not columns:
        return saved
    name = columns[0]["name"]
    with text_form_pinned(conn):
        left = shape_in(conn, tables[0], name)
        if left is None or (copy.shape.has_key and left.keys != copy.shape.keys):
            return saved
        kept = saved.rows - _forget_standing(conn, copy, left, name)
        if kept and copy.shape.has_key:
            has_value = sql.SQL("t.{} IS DISTINCT FROM NULL")
            _note_overwritten(conn, copy, left, has_value.format(sql.Identifier(name)))
    values = {"run_id": run_id, "rows": kept, "saved_id": copy.saved_id}
    conn.execute(query("keep_saved"), values)
    return saved.model_copy(update={"rows": kept})


def _note_overwritten(
    conn: Conn, copy: Copy, left: Shape, has_something: sql.Composable
) -> None:
    statement = query("note_overwritten").format(
        saved_id=sql.Literal(copy.saved_id),
        own_rows=left.own_rows,
        same_key=same_key(left),
        has_something=has_something,
    )
    conn.execute(statement)


def _forget_standing(conn: Conn, copy: Copy, left: Shape, name: str) -> int:
    if copy.shape.has_key:
        return _forget_pairs(conn, copy, left, {name: _text("value_texts", 1)})
    there = {column for column, _ in left.keys}
    pairs = {
        column: _text("key_texts", number)
        for number, (column, _) in enumerate(copy.shape.keys, start=1)
        if column in there
    }
    return _forget_pairs(conn, copy, left, pairs)


def _forget(conn: Conn, copy: Copy, left: Shape, apart: Collection[str]) -> int:
    there = {name for name, _ in left.values}
    pairs, missing = {}, []
    for number, column in enumerate(copy.shape.values, start=1):
        text = _text("value_texts", number)
        if column[0] in there:
            pairs[column[0]] = text
        elif column[0] not in apart:
            missing.append(text)
    return _forget_pairs(conn, copy, left, pairs, missing)


def _forget_pairs(
    conn: Conn,
    copy: Copy,
    left: Shape,
    pairs: Mapping[str, sql.Composable],
    missing: Iterable[sql.Composable] = (),
) -> int:
    """Forget saved rows that are there.

    Args:
        pairs: columns of the table, and what was saved of them.
        missing: what was saved of columns that are not there.
    """
    nothing = [sql.SQL("{} IS NULL").format(text) for text in missing]
    name = "forget_survivors" if copy.shape.has_key else "forget_like_survivors"
    statement = query(name).format(
        saved_id=sql.Literal(copy.saved_id),
        own_rows=left.own_rows,
        same_key=same_key(left),
        present=texts(pairs, sql.Identifier("t")),
        saved_present=sql.SQL(", ").join(pairs.values()),
        nothing_missing=sql.SQL(" AND ").join([sql.SQL("true"), *nothing]),
    )
    return conn.execute(statement).rowcount


def _text(array: str, number: int) -> sql.Composed:
    return sql.SQL("s.{}[{}]").format(sql.Identifier(array), sql.Literal(number))
