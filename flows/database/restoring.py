"""The statements that put back what a rollback saved.

Each judges every saved row and writes those that may be written: one statement for a
whole set inside a transaction that has the table locked, or for a batch of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from flows.database.connection import Conn, one, reading, rows
from flows.database.ledger import ledger_exists
from flows.database.queries import query
from flows.migration.expectation import Backfill, Expectations
from flows.migration.names import may_be_same
from flows.migration.report import Saved
from flows.migration.target import Target

WRITTEN_SINCE = "another value is there now"
TAKEN = "another row has one of its unique values now"
LOW, HIGH = "\x01low\x01", "\x01high\x01"
"""In a batch's statement, where its limits come: no name has such characters."""


@dataclass(frozen=True)
class SavedSet:
    """One row of pgflight.saved.

    Attributes:
        is_open: nothing says yet of its rows whether they were put back.
        lost_together: columns of the table that one rollback deleted.
    """

    id: int
    relation: str
    key_names: list[str]
    value_names: list[str]
    whole_rows: bool
    has_key: bool
    is_open: bool
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
        columns: name and type of each; of a set of whole rows those that can be
            written.
        foreign_keys: rows of the query select_references.
    """

    saved: SavedSet
    oid: int
    table: sql.Identifier
    columns: dict[str, str]
    generated: frozenset[str]
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


def saved_sets(
    conn: Conn, version: str, *, careful: bool = False, with_conflicts: bool = False
) -> list[SavedSet]:
    """What is only in the ledger, in the order in which it is to be put back.

    Rows come before columns, which may refer to them. The newest rows are first: of two
    with one key they are right, and of one rollback's tables the last may be what the
    others refer to. The newest column is last, because it is written over the others.

    Args:
        careful: nothing is written over, so that the newest column must be first.
        with_conflicts: also what could not be put back when that was tried.
    """
    found = rows(conn, "select_left", version=version, with_conflicts=with_conflicts)
    sets = [SavedSet(**row) for row in found]
    whole = [saved for saved in sets if saved.whole_rows]
    columns = [saved for saved in sets if not saved.whole_rows]
    return [*reversed(whole), *(reversed(columns) if careful else columns)]


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
    backfill = promised.backfill
    is_filled = backfill is not None and (
        may_be_same(backfill.table, saved.relation) and backfill.column == saved.column
    )
    return Place(
        saved=saved,
        oid=oid,
        table=sql.Identifier(tables[0]["schema"], tables[0]["name"]),
        columns=columns,
        generated=frozenset(row["name"] for row in found if row["is_generated"]),
        foreign_keys=_foreign_keys(conn, oid, saved, promised),
        backfill=backfill if is_filled else None,
        has_deferrable=one(conn, "has_deferrable_unique", oid=oid)["found"],
    )


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


def statement_at_once(place: Place, *, careful: bool = False) -> sql.Composed:
    """The whole set in one statement, which returns how many rows were written.

    Args:
        careful: nothing that was written since is written over.
    """
    return _statement(place, pending(place.saved), "ending_of_a_set", careful)


def statement_for_batch(conn: Conn, place: Place) -> str:
    """A template with psycopg's placeholders low and high, over saved_row; careful."""
    composed = _statement(place, _in_batch(place.saved), "ending_of_a_batch", True)
    text = composed.as_string(conn).replace("%", "%%")
    return text.replace(f"'{LOW}'", "%(low)s").replace(f"'{HIGH}'", "%(high)s")


def pending(saved: SavedSet) -> sql.Composed:
    """Which rows of a set are to be put back."""
    rest = "" if saved.is_open else " AND s.conflict IS NOT NULL"
    return sql.SQL("s.saved_id = {} AND NOT s.restored{}").format(
        sql.Literal(saved.id), sql.SQL(rest)
    )


def pending_between(saved: SavedSet, low: str, high: str) -> sql.Composed:
    """The same of one range of tids, low included and high not."""
    return sql.SQL("{} AND s.ctid >= {}::tid AND s.ctid < {}::tid").format(
        pending(saved), sql.Literal(low), sql.Literal(high)
    )


def _in_batch(saved: SavedSet) -> sql.Composed:
    return pending_between(saved, LOW, HIGH)


def _statement(
    place: Place, which: sql.Composed, ending: str, careful: bool
) -> sql.Composed:
    saved = place.saved
    missed = TAKEN if saved.whole_rows else WRITTEN_SINCE
    parts: dict[str, sql.Composable] = {
        "table": place.table,
        "pending": which,
        "ending": query(ending).format(missed=sql.Literal(missed)),
        **_keys(place),
    }
    if saved.whole_rows:
        name, more = "restore_rows", _row_parts(place)
    else:
        name, more = "restore_column", _column_parts(place, careful)
    if not saved.has_key:
        name += "_without_key"
    return query(name).format(**parts, **more)


def _keys(place: Place) -> dict[str, sql.Composable]:
    saved = place.saved
    if not saved.has_key:
        others = {
            number: name
            for number, name in enumerate(saved.key_names, start=1)
            if name in place.columns and name not in saved.lost_together
        }
        return {
            "other_texts": _listed(_text("key_texts", n) for n in others),
            "others": _listed(
                sql.SQL("t.{}::text").format(sql.Identifier(name))
                for name in others.values()
            ),
        }
    names = list(enumerate(saved.key_names, start=1))
    return {
        "key_values": _listed(
            sql.SQL("{}::{} AS {}").format(
                _text("key_texts", n),
                sql.SQL(place.columns.get(name, "text")),
                sql.Identifier(f"k{n}"),
            )
            for n, name in names
        ),
        "same_key": _all(
            sql.SQL("t.{} = s.{}").format(sql.Identifier(name), sql.Identifier(f"k{n}"))
            for n, name in names
        ),
        "same_added": _all(
            sql.SQL("t.{0} = s.{0}").format(sql.Identifier(f"k{n}")) for n, _ in names
        ),
        "returned": _listed(
            sql.SQL("{} AS {}").format(sql.Identifier(name), sql.Identifier(f"k{n}"))
            for n, name in names
        ),
    }


def _column_parts(place: Place, careful: bool) -> dict[str, sql.Composable]:
    column = sql.Identifier(place.saved.value_names[0])
    conflicts = (
        [_when("t.{} IS DISTINCT FROM NULL", WRITTEN_SINCE, column)] if careful else []
    )
    values = {place.saved.value_names[0]: sql.SQL("s.value")}
    conflicts += _referential(place, values)
    if place.backfill:
        conflicts.append(
            _when(
                "NOT EXISTS (SELECT FROM ({}) AS v (key, value)"
                " WHERE v.key = t.{} AND v.value = s.value)",
                "it is not valid any more",
                # The migration's own SELECT: its author may run any SQL here.
                sql.SQL(place.backfill.valid),
                sql.Identifier(place.backfill.key),
            )
        )
    type_ = sql.SQL(place.columns[place.saved.value_names[0]])
    unwritten = "t.{} IS NOT DISTINCT FROM NULL" if careful else "true"
    return {
        "column": column,
        "value": sql.SQL("{}::{}").format(_text("value_texts", 1), type_),
        "conflicts": sql.SQL(" ").join(conflicts),
        "unwritten": sql.SQL(unwritten).format(column),
        "no_row": sql.Literal(
            "no row like it has no value" if careful else "the row is gone"
        ),
    }


def _row_parts(place: Place) -> dict[str, sql.Composable]:
    numbers = {name: n for n, name in enumerate(place.saved.value_names, start=1)}
    names = place.values
    values = {name: sql.SQL("s.{}").format(_value(numbers[name])) for name in names}
    conflict = "ON CONFLICT DO NOTHING"
    return {
        "columns": _listed(map(sql.Identifier, names)),
        "texts": _listed(_text("value_texts", numbers[name]) for name in names),
        "values": _listed(
            sql.SQL("{}::{} AS {}").format(
                _text("value_texts", numbers[name]),
                sql.SQL(place.columns[name]),
                _value(numbers[name]),
            )
            for name in names
        ),
        "value_names": _listed(values.values()),
        "columns_as_text": _listed(
            sql.SQL("t.{}::text").format(sql.Identifier(name)) for name in names
        ),
        # CASE needs one at least.
        "conflicts": sql.SQL(" ").join(
            [sql.SQL("WHEN false THEN ''"), *_referential(place, values)]
        ),
        "on_conflict": sql.SQL("" if place.has_deferrable else conflict),
    }


def _referential(
    place: Place, values: dict[str, sql.Composed] | dict[str, sql.SQL]
) -> list[sql.Composed]:
    """A clause for each foreign key that has a value to look for.

    Rows that name rows of their own table are left to the server: these may be put
    back by the same statement.
    """
    return [
        _when(
            "NOT ({} OR EXISTS (SELECT FROM {} AS r WHERE {}))",
            f"the row of {key['schema']}.{key['name']} that it names is gone",
            _any(sql.SQL("{} IS NULL").format(mine[name]) for name in key["columns"]),
            sql.Identifier(key["schema"], key["name"]),
            _all(
                sql.SQL("r.{} = {}").format(sql.Identifier(theirs), mine[name])
                for name, theirs in zip(key["columns"], key["referenced"], strict=True)
            ),
        )
        for key in place.foreign_keys
        if not key["is_own"] and not values.keys().isdisjoint(key["columns"])
        for mine in [{name: _mine(name, values) for name in key["columns"]}]
    ]


def _mine(
    name: str, values: dict[str, sql.Composed] | dict[str, sql.SQL]
) -> sql.Composable:
    return values.get(name) or sql.SQL("t.{}").format(sql.Identifier(name))


def _when(condition: str, reason: str, *parts: sql.Composable) -> sql.Composed:
    return sql.SQL("WHEN {} THEN {}").format(
        sql.SQL(condition).format(*parts), sql.Literal(reason)
    )


def _text(array: str, number: int) -> sql.Composed:
    return sql.SQL("s.{}[{}]").format(sql.Identifier(array), sql.Literal(number))


def _value(number: int) -> sql.Identifier:
    return sql.Identifier(f"v{number}")


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _all(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(" AND ").join(parts)


def _any(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(" OR ").join(parts)
