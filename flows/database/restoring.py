"""The statements that put back what a rollback saved.

Each judges every saved row and writes those that may be written: one statement for a
whole set inside a transaction that has the table locked, or for a batch of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from psycopg import sql

from flows.database.connection import Conn
from flows.database.queries import query
from flows.database.saved import WRITTEN_SINCE, Place, SavedSet
from flows.database.shape import texts as as_text
from flows.database.untouched import CHANGED, MAY_BE_CHOSEN, untouched

TAKEN = "another row has one of its unique values now"
REKEYED = "a trigger makes another row of it"
LOW, HIGH = "\x01low\x01", "\x01high\x01"
"""In a batch's statement, where its limits come: no name has such characters."""


def statement_at_once(place: Place, careful: UUID | None) -> sql.Composed:
    """The whole set in one statement, which returns how many rows were written.

    Args:
        careful: nothing that was written since this deployment has made the column is
            written over. None where nobody but the same transaction can have written.
    """
    return _statement(place, pending(place.saved), "ending_of_a_set", careful)


def statement_for_batch(conn: Conn, place: Place, careful: UUID) -> str:
    """A template with psycopg's placeholders low and high, over saved_row.

    Args:
        careful: as in `statement_at_once`.
    """
    composed = _statement(place, _in_batch(place.saved), "ending_of_a_batch", careful)
    text = composed.as_string(conn).replace("%", "%%")
    return text.replace(f"'{LOW}'", "%(low)s").replace(f"'{HIGH}'", "%(high)s")


def pending(saved: SavedSet) -> sql.Composable:
    """Which rows of a set are to be put back."""
    own = sql.SQL("s.saved_id = {} AND NOT s.restored").format(sql.Literal(saved.id))
    if saved.is_open:
        return own
    if saved.is_by_hand:
        return sql.SQL("{} AND s.conflict IS NOT NULL").format(own)
    return sql.SQL("{} AND s.conflict <> {}").format(own, sql.Literal(WRITTEN_SINCE))


def pending_between(saved: SavedSet, low: str, high: str) -> sql.Composed:
    """The same of one range of tids, low included and high not."""
    return sql.SQL("{} AND s.ctid >= {}::tid AND s.ctid < {}::tid").format(
        pending(saved), sql.Literal(low), sql.Literal(high)
    )


def _in_batch(saved: SavedSet) -> sql.Composed:
    return pending_between(saved, LOW, HIGH)


def _statement(
    place: Place, which: sql.Composable, ending: str, careful: UUID | None
) -> sql.Composed:
    saved = place.saved
    missed = TAKEN if saved.whole_rows else WRITTEN_SINCE
    parts: dict[str, sql.Composable] = {
        "table": place.table,
        "own_rows": place.own_rows,
        "pending": which,
        "ending": query(ending).format(
            missed=sql.Literal(missed), changed=sql.Literal(CHANGED)
        ),
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
            "others": as_text(others.values(), sql.Identifier("t")),
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


def _column_parts(place: Place, careful: UUID | None) -> dict[str, sql.Composable]:
    name = place.saved.value_names[0]
    column = sql.Identifier(name)
    unwritten, reason = _unwritten(place.saved, careful)
    # Without a key only rows that may be written are looked at.
    is_asked = careful and place.saved.has_key
    conflicts = [_when("NOT ({})", reason, unwritten)] if is_asked else []
    conflicts += _retyped(place, {name: sql.SQL("s.text")})
    if name in place.must_have_value:
        conflicts.append(_when("s.text IS NULL", "the column must have a value now"))
    values = {name: sql.SQL("s.value")}
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
    type_ = sql.SQL(place.columns[name])
    return {
        "column": column,
        "expected": _expected(place, name, sql.SQL("s.value")),
        "value": sql.SQL("{}::{}").format(_text("value_texts", 1), type_),
        "conflicts": sql.SQL(" ").join(conflicts),
        "newer": sql.Literal(WRITTEN_SINCE),
        "unwritten": unwritten,
        "no_row": sql.Literal(_no_row(place.saved, careful)),
    }


def _unwritten(saved: SavedSet, careful: UUID | None) -> tuple[sql.Composable, str]:
    """Which rows may be written, and why the others may not."""
    if careful is None:
        return sql.SQL("true"), ""
    if saved.horizon is None:
        column = sql.Identifier(saved.value_names[0])
        empty = sql.SQL("t.{} IS NOT DISTINCT FROM NULL").format(column)
        return empty, WRITTEN_SINCE
    keys = saved.key_names if saved.has_key else None
    condition = untouched(
        saved.horizon, careful, saved.relation, keys, saved.value_names
    )
    return condition, MAY_BE_CHOSEN


def _no_row(saved: SavedSet, careful: UUID | None) -> str:
    if careful is None:
        return "the row is gone"
    return "no row like it has no value" if saved.horizon is None else MAY_BE_CHOSEN


def _row_parts(place: Place) -> dict[str, sql.Composable]:
    numbers = {name: n for n, name in enumerate(place.saved.value_names, start=1)}
    names = place.values
    values = {name: sql.SQL("s.{}").format(_value(numbers[name])) for name in names}
    texts = {
        name: sql.SQL("s.texts[{}]").format(sql.Literal(n))
        for n, name in enumerate(names, start=1)
    }
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
        "columns_as_text": as_text(names, sql.Identifier("t")),
        "expected": _listed(_expected(place, name, values[name]) for name in names),
        "rekeyed": sql.Literal(REKEYED),
        # CASE needs one at least.
        "conflicts": sql.SQL(" ").join(
            [
                sql.SQL("WHEN false THEN ''"),
                *_retyped(place, texts),
                *_referential(place, values),
            ]
        ),
        "without": _without(place, numbers),
        "on_conflict": sql.SQL("" if place.has_deferrable else conflict),
    }


def _expected(place: Place, name: str, value: sql.Composable) -> sql.Composed:
    """The text of a value, as the column has it if no trigger makes another of it."""
    return sql.SQL("{}::{}::text").format(value, sql.SQL(place.full_types[name]))


def _without(place: Place, numbers: dict[str, int]) -> sql.Composable:
    """What is said of a row that has something in a column which is not there."""
    if not place.gone:
        return sql.SQL("NULL::text")
    texts = _listed(_text("value_texts", numbers[name]) for name in place.gone)
    return sql.SQL("CASE WHEN pg_catalog.num_nonnulls({}) > 0 THEN {} END").format(
        texts,
        sql.Literal(f"it is back without {', '.join(place.gone)}, not there any more"),
    )


def _retyped(
    place: Place, texts: Mapping[str, sql.Composable]
) -> Iterator[sql.Composed]:
    """A clause for each column whose values may not be the same in its type now."""
    for name, text in texts.items():
        if name in place.retyped:
            retyped = place.retyped[name]
            yield _when("{}", retyped.reason, retyped.loses(text))


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
