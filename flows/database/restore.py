"""Putting back, inside the transaction that applies a migration, what was saved."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from flows.database.connection import Cause, Conn, cause_of, one, rows
from flows.database.queries import query
from flows.database.restoring import statement_at_once
from flows.database.saved import Place, SavedSet, place_of, saved_sets
from flows.database.transaction import FencedTransaction
from flows.database.untouched import note_horizon
from flows.migration.flight import Flight
from flows.migration.losses import Loss
from flows.migration.report import Conflict, Restored

Standing = frozenset[tuple[int, int, int]]
"""Columns that are there: the id of what was saved of each, its table and number."""


def standing(conn: Conn, version: str) -> Standing:
    """Which columns that a rollback of this migration saved are there already."""
    found = rows(conn, "select_standing", version=version)
    return frozenset((row["id"], row["oid"], row["number"]) for row in found)


def restore_in(
    transaction: FencedTransaction, flight: Flight, before: Standing
) -> list[Restored]:
    """Put back what earlier rollbacks of this migration saved, as far as it is right.

    What cannot be put back stays in the ledger with the reason, and fails nothing. A
    column that this transaction has made holds nothing that anybody has chosen.

    Args:
        before: what was there before the migration: somebody may have written to it.
    """
    conn, migration = transaction.conn, flight.migration
    restored = []
    now = standing(conn, migration.version)
    old = {id for id, *_ in now & before}
    with text_form_pinned(conn):
        for saved in saved_sets(conn, migration.version):
            place = place_of(conn, saved, migration.expectations)
            if place is None:
                # An up.sql that was edited since may not make it any more.
                restored.append(
                    sequence_advanced(conn, saved, flight.run_id) or left(conn, saved)
                )
                continue
            careful = flight.run_id if saved.id in old else None
            if saved.column is not None and careful is None:
                column = Loss(saved.relation, saved.column)
                note_horizon(conn, migration.version, column)
            with transaction.step("pgflight.saved", f"restore {saved.name}"):
                restored.append(restore_at_once(conn, place, flight.run_id, careful))
    return restored


def sequence_advanced(conn: Conn, saved: SavedSet, run_id: UUID) -> Restored | None:
    """Let a sequence go on where it had come; None where it is no sequence, or gone."""
    if not rows(conn, "advance_saved_sequence", id=saved.id, relation=saved.relation):
        return None
    close(conn, saved, run_id, None)
    return Restored(table=saved.relation, column=saved.column, rows=1, conflicts=[])


def left(conn: Conn, saved: SavedSet) -> Restored:
    """What is said of a set that has no place to be put back to."""
    count = one(conn, "count_left", id=saved.id)["rows"]
    conflict = Conflict(reason=f"{saved.name} is not there", rows=count, first_keys=[])
    return Restored(
        table=saved.relation, column=saved.column, rows=0, conflicts=[conflict]
    )


@contextmanager
def text_form_pinned(conn: Conn) -> Iterator[None]:
    """Values are read as they were written, for the length of the block only."""
    before = one(conn, "select_text_form")
    conn.execute(query("pin_text_form"))
    yield
    conn.execute(query("set_text_form"), {"settings": Jsonb(before)})


def restore_at_once(
    conn: Conn, place: Place, run_id: UUID, careful: UUID | None
) -> Restored:
    """Put a set back in one statement, and close it.

    Args:
        careful: as in `statement_at_once`.
    """
    written, conflict = 0, None
    try:
        with conn.transaction():
            statement = statement_at_once(place, careful)
            row = conn.execute(statement).fetchone()
            assert row is not None
            written = row["rows"]
            advance_sequences(conn, place)
    except psycopg.Error as error:
        if cause_of(error) is not Cause.REFUSAL:
            raise
        conflict = refusal(error)
    close(conn, place.saved, run_id, conflict)
    return told(conn, place, written)


def refusal(error: psycopg.Error) -> str:
    """An error of the server's, as a conflict's reason."""
    return f"refused by the server: {error.diag.message_primary}"


def close(conn: Conn, saved: SavedSet, run_id: UUID, conflict: str | None) -> None:
    """Note that a set is done with, so that nothing of it is put back twice."""
    values = {"id": saved.id, "run_id": run_id, "conflict": conflict}
    conn.execute(query("close_set"), values)


def told(conn: Conn, place: Place, written: int) -> Restored:
    """What became of a set that is closed."""
    return Restored(
        table=place.saved.relation,
        column=place.saved.column,
        rows=written,
        conflicts=[
            Conflict(**row) for row in rows(conn, "count_conflicts", id=place.saved.id)
        ],
    )


def advance_sequences(conn: Conn, place: Place) -> None:
    """Let no serial or identity column give out a value that was put back."""
    for name in place.values:
        column = sql.Identifier(name)
        # An array has no largest element that a sequence could have given out.
        if place.columns[name] in ("smallint", "integer", "bigint"):
            conn.execute(
                query("advance_sequences").format(
                    largest=sql.SQL(
                        "(SELECT CASE WHEN q.seqincrement > 0"
                        " THEN max({0}) ELSE min({0}) END FROM {1})"
                    ).format(column, place.own_rows),
                    table=sql.Literal(place.table.as_string(conn)),
                    column=sql.Literal(name),
                )
            )
