"""Saving what a rollback would delete: copied ahead, kept by the same transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from psycopg import sql

from flows.database.connection import (
    CONNECT_ATTEMPTS,
    CONNECTION_CHECK_MS,
    READ_LOCK_TIMEOUT_MS,
    Conn,
    commit_locally,
    one,
    reading,
    session,
    set_local,
)
from flows.database.ledger import FENCE_KEY, take_fence
from flows.database.queries import query
from flows.database.renumbered import assert_names_last, dropped_with
from flows.database.restore import text_form_pinned
from flows.database.shape import Dropped, Shape, names_of, same_key, shape_of, texts
from flows.migration.flight import Flight
from flows.migration.losses import Loss, losses
from flows.migration.report import Saved
from flows.migration.script import Script
from flows.migration.target import Target


@dataclass(frozen=True)
class Copy:
    """What one loss would delete, copied while everybody goes on working.

    Attributes:
        horizon: transactions from this one on may have changed rows since.
        rows: how many were copied.
        shape: of the table when it was copied.
    """

    loss: Loss
    saved_id: int
    horizon: str
    rows: int
    shape: Shape


class Unsaved(Exception):
    """Something would be lost that was not saved; the transaction must not commit."""

    def __init__(self, lost: tuple[Loss, ...]) -> None:
        super().__init__(lost)
        self.lost = lost


def copy_ahead(
    flight: Flight, lost: Iterable[Loss], key: int = FENCE_KEY
) -> list[Copy]:
    """Copy what would be deleted into the ledger, every value as text.

    This takes as long as there are rows, and no lock that anybody waits for, so that
    the transaction that deletes them has only to look at what was changed since.

    Args:
        key: the advisory lock to take meanwhile.

    Raises:
        Busy: another deployer is at work.
        RollbackFailed: see `assert_names_last`.
    """
    purpose = f"save {flight.run_id} {flight.migration.version}"
    with session(flight.target, purpose, attempts=CONNECT_ATTEMPTS) as conn:
        take_fence(conn, key)
        set_local(conn, "statement_timeout", 0)
        set_local(conn, "lock_timeout", READ_LOCK_TIMEOUT_MS)
        set_local(conn, "client_connection_check_interval", CONNECTION_CHECK_MS)
        version = flight.migration.version
        conn.execute(query("forget_unkept"), {"version": version})
        lost = tuple(lost)
        dropped = dropped_with(conn, flight, lost)
        copies = [copy for loss in lost if (copy := _copy(conn, flight, loss, dropped))]
        if copies:
            # For the plan of whoever puts it back while others wait.
            conn.execute("ANALYZE pgflight.saved_row")
        commit_locally(conn)
    return copies


def _copy(conn: Conn, flight: Flight, loss: Loss, dropped: Dropped) -> Copy | None:
    """None when the column or table is not there."""
    shape = shape_of(conn, loss, dropped)
    if shape is None:
        return None
    assert_names_last(conn, shape, dropped)
    conn.execute(query("pin_text_form"))
    saved_id = open_set(conn, flight, shape)
    horizon = one(conn, "select_horizon")["horizon"]
    copied = conn.execute(_filled_in("copy_rows", shape, saved_id, horizon)).rowcount
    return Copy(loss, saved_id, horizon, copied, shape)


def open_set(conn: Conn, flight: Flight, shape: Shape) -> int:
    """Begin a set of saved rows; returns its number."""
    row = one(
        conn,
        "insert_saved",
        run_id=flight.in_place_as,
        version=flight.migration.version,
        relation=shape.name,
        key_names=[name for name, _ in shape.keys],
        key_types=[type_ for _, type_ in shape.keys],
        value_names=[name for name, _ in shape.values],
        value_types=[type_ for _, type_ in shape.values],
        whole_rows=not shape.is_lone_column,
        has_key=shape.has_key,
    )
    return int(row["id"])


def save(conn: Conn, copy: Copy, run_id: UUID) -> Saved | None:
    """Bring a copy up to date and keep it, in the transaction that deletes the data.

    The table must be locked already, so that nothing changes between the copy and
    the deletion. None when the column or table is not there any more.

    Raises:
        Unsaved: its rows are in other tables than they were, or some are missing.
    """
    shape = shape_of(conn, copy.loss, {copy.shape.oid: copy.shape.dropped})
    if shape is None:
        return None
    if shape.parts != copy.shape.parts:
        # What was written long ago and attached since does not look changed.
        raise Unsaved((copy.loss,))
    with text_form_pinned(conn):
        rows = _bring_up_to_date(conn, copy, shape)
    values = {"run_id": run_id, "rows": rows, "saved_id": copy.saved_id}
    conn.execute(query("keep_saved"), values)
    return Saved(table=shape.name, column=copy.loss.column, rows=rows)


def _bring_up_to_date(conn: Conn, copy: Copy, shape: Shape) -> int:
    """Returns how many rows are saved then."""
    if shape.is_steady:
        # Only then can the copy of a row be looked up.
        conn.execute(query("expect_few_changes"))
    changes = _filled_in("copy_changed_rows", shape, copy.saved_id, copy.horizon)
    row = conn.execute(changes).fetchone()
    assert row is not None
    rows = copy.rows + int(row["more"])
    conn.execute(query("expect_many_changes"))
    if copy.loss.column is not None and shape.has_key:
        # Of a row that is gone nothing can be put back anyway.
        return rows
    present = _count(conn, shape)
    if shape.has_key and rows > present:
        rows -= _forget_deleted(conn, shape, copy.saved_id)
    if shape.has_key and rows != present:
        raise Unsaved((copy.loss,))
    if not shape.has_key and (row["changed"] or rows != present):
        # Nothing tells which copies are of rows that are no more.
        conn.execute(query("forget_copies"), {"saved_id": copy.saved_id})
        again = _filled_in("copy_rows", shape, copy.saved_id, copy.horizon)
        rows = conn.execute(again).rowcount
    return rows


def _forget_deleted(conn: Conn, shape: Shape, saved_id: int) -> int:
    statement = query("forget_deleted").format(
        saved_id=sql.Literal(saved_id),
        own_rows=shape.own_rows,
        same_key=same_key(shape),
    )
    return conn.execute(statement).rowcount


def _count(conn: Conn, shape: Shape) -> int:
    statement = query("count_rows").format(own_rows=shape.own_rows, filled=shape.filled)
    row = conn.execute(statement).fetchone()
    assert row is not None
    return int(row["rows"])


def _filled_in(name: str, shape: Shape, saved_id: int, horizon: str) -> sql.Composed:
    return query(name).format(
        saved_id=sql.Literal(saved_id),
        horizon=sql.Literal(horizon),
        keys=texts(names_of(shape.keys)),
        values=texts(names_of(shape.values)),
        own_rows=shape.own_rows,
        filled=shape.filled,
        key_values=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(sql.Identifier(name), _key(number))
            for number, (name, _) in enumerate(shape.keys, start=1)
        ),
        same_row=_same_row(shape),
    )


def _same_row(shape: Shape) -> sql.Composable:
    """Whether a changed row c is the one that s was saved of."""
    if not shape.has_key:
        return sql.SQL("false")
    if shape.is_steady:
        return query("is_same_by_text")
    return sql.SQL(" AND ").join(
        sql.SQL("c.{} = s.key_texts[{}]::{}").format(
            _key(number), sql.Literal(number), sql.SQL(type_)
        )
        for number, (_, type_) in enumerate(shape.keys, start=1)
    )


def _key(number: int) -> sql.Identifier:
    return sql.Identifier(f"k{number}")


def preview(target: Target, down: Script) -> list[Saved]:
    """What a rollback would save now of columns and tables, without saving it.

    Of what it deletes and overwrites in a table that stays, nobody knows before.
    """
    counted = []
    with reading(target, "preview rollback") as conn:
        for loss in losses(down.nodes):
            shape = None if loss.some else shape_of(conn, loss)
            if shape:
                rows = _count(conn, shape)
                counted.append(Saved(table=shape.name, column=loss.column, rows=rows))
    return counted


def lock_table(conn: Conn, loss: Loss) -> None:
    """Take at once the lock that the loss will need.

    A weaker one would have to be raised later, and that can deadlock with a session
    that reads the table and then writes to it.
    """
    shape = shape_of(conn, loss)
    if shape:
        mode = "ACCESS EXCLUSIVE" if loss.readers_wait else "SHARE ROW EXCLUSIVE"
        conn.execute(
            sql.SQL("LOCK TABLE {} IN {} MODE").format(shape.table, sql.SQL(mode))
        )
