"""Keeping a backfill off the values that its deployment has put back."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from psycopg import sql

from flows.database.connection import Conn, rows
from flows.database.queries import query
from flows.database.saved import WRITTEN_SINCE
from flows.database.untouched import CHANGED, MAY_BE_CHOSEN
from flows.migration.errors import ApplyFailed
from flows.migration.online.backfill import ROW, spare
from flows.migration.online.refused import Refused
from flows.migration.online.steps import OnlineStep

_NEWER = [WRITTEN_SINCE, MAY_BE_CHOSEN, CHANGED]
_STEADY = ("smallint", "integer", "bigint", "uuid", "text", "character varying")
"""Types whose text does not depend on any setting: it can be looked up."""


def sparing(conn: Conn, run_id: UUID, step: OnlineStep) -> OnlineStep:
    """A backfill step that writes over nothing that users have chosen.

    Of rows of which a rollback had saved a value: not over the one that was put back,
    nor over what was written to them since, which was newer than the saved one.

    Raises:
        ApplyFailed: the statement cannot be written with that.
    """
    if not step.overwrites:
        return step
    found = rows(
        conn,
        "select_put_back",
        run_id=run_id,
        table=step.table,
        columns=list(step.overwrites),
        newer=_NEWER,
    )
    by_column = defaultdict(list)
    for saved in found:
        by_column[saved["column"]].append(_is_of(conn, saved, step))
    spared = {
        name: query("is_spared")
        .format(
            row=sql.Identifier(ROW),
            column=sql.Identifier(name),
            saved=sql.SQL(" OR ").join(conditions),
        )
        .as_string(conn)
        for name, conditions in by_column.items()
    }
    try:
        return spare(step, spared) if spared else step
    except Refused as refused:
        raise ApplyFailed(f"{step.where}: {refused.reason}", refused.help) from None


def _is_of(conn: Conn, saved: dict[str, Any], step: OnlineStep) -> sql.Composed:
    """Whether a set has an entry of the row that counts.

    Raises:
        ApplyFailed: nothing tells any more which row an entry is of.
    """
    types = {
        row["name"]: row["type"]
        for row in rows(conn, "select_columns_now", oid=saved["oid"])
    }
    keys = saved["key_names"]
    if not types.keys() >= set(keys):
        raise ApplyFailed(
            f"{step.where}: it would write over what was put back into"
            f" {step.table}.{saved['column']}: the table's key was renamed since",
            "Rename it in a migration of its own.",
        )
    row = sql.Identifier(ROW)
    own = [sql.SQL("{}.{}").format(row, sql.Identifier(name)) for name in keys]
    steady = all(types[name] in _STEADY for name in keys)
    typed = [
        sql.SQL("pgflight_saved.key_texts[{}]::{} = {}").format(
            sql.Literal(number), sql.SQL(types[name]), value
        )
        for number, (name, value) in enumerate(zip(keys, own, strict=True), start=1)
    ]
    return query("is_entry_of_row" if steady else "is_entry_by_type").format(
        saved_id=sql.Literal(saved["id"]),
        newer=sql.Literal(_NEWER),
        texts=sql.SQL(", ").join(sql.SQL("{}::text").format(value) for value in own),
        same_key=sql.SQL(" AND ").join(typed),
    )
