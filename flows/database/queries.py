"""The named SQL queries of sql/queries, one file a topic.

A query starts at a line ``-- name: verb_noun`` and ends at the next one.
"""

from functools import cache

from psycopg import sql

from flows.resources import SQL

_MARK = "-- name: "


@cache
def _queries() -> dict[str, sql.SQL]:
    found: dict[str, sql.SQL] = {}
    for path in sorted((SQL / "queries").glob("*.sql")):
        _, *parts = path.read_text(encoding="utf-8").split(_MARK)
        for part in parts:
            name, _, text = part.partition("\n")
            if name in found:
                raise ValueError(f"{path.name}: query {name!r} is defined twice")
            # Literal because it is a file of this package, never user input.
            found[name] = sql.SQL(text.strip().rstrip(";"))
    return found


def query(name: str) -> sql.SQL:
    """The query of that name; its parameters are written ``%(name)s``.

    Raises:
        KeyError: no file defines it.
    """
    return _queries()[name]
