"""Tables whose key a rollback drops: whoever adds it again may number the rows anew."""

from collections import defaultdict
from collections.abc import Iterable

from flows.database.connection import Conn, rows
from flows.database.shape import Dropped, Shape, shape_in
from flows.migration.allowance import toml_of
from flows.migration.errors import RollbackFailed
from flows.migration.flight import Flight
from flows.migration.losses import Loss, losses


def dropped_with(conn: Conn, flight: Flight, lost: Iterable[Loss] = ()) -> Dropped:
    """Which columns go, by what is lost and by all of down.sql.

    Taken back step by step, each goes in a transaction of its own.
    """
    down = flight.migration.down
    columns = defaultdict(set)
    for loss in (*lost, *(losses(down.nodes) if down else ())):
        if loss.column is not None and not loss.stays:
            for table in rows(conn, "resolve_table", table=loss.table):
                columns[table["oid"]].add(loss.column)
    return {oid: frozenset(names) for oid, names in columns.items()}


def assert_names_last(conn: Conn, shape: Shape, dropped: Dropped) -> None:
    """What is saved must not name rows by a number that may be another row's later.

    Raises:
        RollbackFailed: it does, by a foreign key.
    """
    saved = {name for name, _ in shape.values}
    for key in rows(conn, "select_references", oid=shape.oid):
        gone = dropped.get(key["oid"], frozenset()).intersection(key["referenced"])
        if not gone or saved.isdisjoint(key["columns"]):
            continue
        named = shape_in(conn, key, None, dropped)
        if named and not named.has_key:
            raise RollbackFailed(
                f"down.sql drops {', '.join(sorted(gone))} of {named.name}, by which"
                f" {shape.name} names its rows: put back later, it could name others,"
                " so nothing was committed",
                _help(shape),
            )


def _help(shape: Shape) -> str:
    if shape.is_lone_column:
        return "Have down.sql leave that key."
    return (
        f"Have down.sql leave that key. If the rows of {shape.name} may go, allow it"
        f" in migration.toml:\n{toml_of('lose-rows', shape.name)}"
    )
