"""What rollbacks saved and is only in the ledger, and where it belongs now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from flows.database.connection import Conn, one, reading, rows
from flows.database.ledger import ledger_exists
from flows.database.lossless import Retyped, retyped
from flows.database.shape import own_rows_of
from flows.migration.expectation import Backfill, Expectations
from flows.migration.names import may_be_same
from flows.migration.report import Saved
from flows.migration.target import Target

WRITTEN_SINCE = "another value is there now"


@dataclass(frozen=True)
class SavedSet:
    """One row of pgflight.saved.

    Attributes:
        is_open: nothing says yet of its rows whether they were put back.
        is_by_hand: what users have written over since is tried again, too.
        horizon: of a column that was made with a default, and therefore has a value
            in every row: as pgflight.saved has it.
        lost_together: columns of the table that one rollback deleted.
    """

    id: int
    relation: str
    key_names: list[str]
    value_names: list[str]
    value_types: list[str]
    whole_rows: bool
    has_key: bool
    is_open: bool
    is_by_hand: bool
    horizon: str | None
    lost_together: list[str]

    @property
    def column(self) -> str | None:
        return None if self.whole_rows else self.value_names[0]

    @property
    def name(self) -> str:
        return f"{self.relation}.{self.column}" if self.column else self.relation


@dataclass(frozen=True)
class Place:
    """Where a set belongs, as the table is now.

    Attributes:
        own_rows: the table to read from, see `own_rows_of`.
        columns: name and type of each; of a set of whole rows those that can be
            written.
        full_types: of each the type with its length or precision.
        retyped: saved columns that have another type now.
        must_have_value: columns that are NOT NULL, or will be.
        foreign_keys: rows of the query select_references.
    """

    saved: SavedSet
    oid: int
    table: sql.Identifier
    own_rows: sql.Composable
    columns: dict[str, str]
    full_types: dict[str, str]
    generated: frozenset[str]
    retyped: dict[str, Retyped]
    must_have_value: frozenset[str]
    foreign_keys: Sequence[dict[str, Any]]
    backfill: Backfill | None
    has_deferrable: bool

    @property
    def values(self) -> list[str]:
        """Saved columns that are there still and can be written."""
        return [
            name
            for name in self.saved.value_names
            if name in self.columns and name not in self.generated
        ]

    @property
    def gone(self) -> list[str]:
        """Saved columns that are not there any more."""
        return [n for n in self.saved.value_names if n not in self.columns]


def saved_sets(
    conn: Conn, version: str, *, careful: bool = False, with_conflicts: bool = False
) -> list[SavedSet]:
    """What is only in the ledger, in the order in which it is to be put back.

    Rows come before columns, which may refer to them. The newest rows are first: of two
    with one key they are right, and of one rollback's tables the last may be what the
    others refer to. The newest column is last, because it is written over the others.

    Args:
        careful: nothing is written over, so that the newest column must be first. Of
            one row those with a default are before the others, which are also put back
            where a user has written to the row.
        with_conflicts: also what could not be put back when that was tried in the
            deployment that is in place.
    """
    found = rows(
        conn,
        "select_left",
        version=version,
        with_conflicts=with_conflicts,
        newer=WRITTEN_SINCE,
    )
    sets = [SavedSet(**row) for row in found]
    whole = [saved for saved in sets if saved.whole_rows]
    columns = [saved for saved in sets if not saved.whole_rows]
    if careful:
        columns = sorted(reversed(columns), key=lambda saved: saved.horizon is None)
    return [*reversed(whole), *columns]


def still_saved(target: Target, version: str) -> list[Saved]:
    """What is only in the ledger, with how many rows there are of each."""
    with reading(target, "look at saved") as conn:
        if not ledger_exists(conn):
            return []
        sets = saved_sets(conn, version, careful=True, with_conflicts=True)
        return [
            Saved(
                table=saved.relation,
                column=saved.column,
                rows=one(conn, "count_left", id=saved.id)["rows"],
            )
            for saved in sets
        ]


def place_of(conn: Conn, saved: SavedSet, promised: Expectations) -> Place | None:
    """None where the table, or the column, is not there.

    Args:
        promised: foreign keys that may only be added later, and what is right for a
            column that is filled.
    """
    tables = rows(conn, "resolve_table", table=saved.relation)
    if not tables:
        return None
    oid = tables[0]["oid"]
    found = rows(conn, "select_columns_now", oid=oid)
    columns = {row["name"]: row["type"] for row in found}
    if saved.column is not None and saved.column not in columns:
        return None
    types = dict(zip(saved.value_names, saved.value_types, strict=True))
    backfill = promised.backfill
    is_filled = backfill is not None and (
        may_be_same(backfill.table, saved.relation) and backfill.column == saved.column
    )
    return Place(
        saved=saved,
        oid=oid,
        table=sql.Identifier(tables[0]["schema"], tables[0]["name"]),
        own_rows=own_rows_of(tables[0]),
        columns=columns,
        full_types={row["name"]: row["full_type"] for row in found},
        generated=frozenset(row["name"] for row in found if row["is_generated"]),
        retyped={
            name: changed
            for row in found
            if (name := row["name"]) in types
            if (changed := retyped(conn, types[name], row["full_type"]))
        },
        must_have_value=_must_have_value(found, saved, promised),
        foreign_keys=_foreign_keys(conn, oid, saved, promised),
        backfill=backfill if is_filled else None,
        has_deferrable=one(conn, "has_deferrable_unique", oid=oid)["found"],
    )


def _must_have_value(
    columns: Sequence[dict[str, Any]], saved: SavedSet, promised: Expectations
) -> frozenset[str]:
    """Those that are NOT NULL, and those that up.sql will make so."""
    promises = (
        column.name
        for column in promised.columns
        if not column.nullable and may_be_same(column.table, saved.relation)
    )
    return frozenset([*promises, *(c["name"] for c in columns if c["is_not_null"])])


def _foreign_keys(
    conn: Conn, oid: int, saved: SavedSet, promised: Expectations
) -> list[dict[str, Any]]:
    """Those that are there, and those that up.sql will add."""
    keys = rows(conn, "select_references", oid=oid)
    known = {tuple(key["columns"]) for key in keys}
    for key in promised.foreign_keys:
        is_new = tuple(key.columns) not in known
        if not is_new or not may_be_same(key.table, saved.relation):
            continue
        tables = rows(conn, "resolve_table", table=key.references)
        if not tables:
            continue
        own = one(conn, "select_key_columns", oid=tables[0]["oid"])["columns"]
        keys.append(
            {
                "schema": tables[0]["schema"],
                "name": tables[0]["name"],
                "is_own": tables[0]["oid"] == oid,
                "columns": list(key.columns),
                "referenced": list(key.referenced_columns) or own,
            }
        )
    return keys
