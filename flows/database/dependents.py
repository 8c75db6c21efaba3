"""What is in the way of a rollback: made since, and built on what it would drop."""

import re
from collections.abc import Iterable

from flows.database.connection import Conn, rows
from flows.database.fingerprint import Fingerprint
from flows.database.queries import query
from flows.migration.dropped import Dropped
from flows.migration.errors import InTheWay, StatementFailed

_HELP = (
    "Nothing was changed. Drop these, or change them so that they do without, then roll"
    " it back again."
)


def assert_clear(
    conn: Conn, drops: Iterable[Dropped], after: Fingerprint | None, now: Fingerprint
) -> None:
    """Nothing that was made or changed since the deployment may depend on this.

    Args:
        after: the catalogue as the deployment left it; None when it died before that
            was taken: then only the server can say what is in the way.

    Raises:
        InTheWay: naming all of it.
    """
    drops = list(drops)
    if after is None or not drops:
        return
    found = _select(conn, drops)
    own = {row["identity"] for row in found if row["is_dropped"]}
    since = {
        row["identity"]: row["kind"]
        for row in found
        if row["identity"] not in own and _is_newer(row["identity"], after, now)
    }
    since |= dict.fromkeys(_that_mention(conn, drops, own, after, now), "function")
    if since:
        raise in_the_way(f"{kind} {_bare(name)}" for name, kind in since.items())


def in_the_way(names: Iterable[str]) -> InTheWay:
    """The error that names them, each in a line."""
    listed = "\n".join(sorted(names))
    return InTheWay(
        "Objects that were made or changed since the deployment depend on what the"
        f" rollback drops, and the migration is still in place:\n{listed}",
        _HELP,
    )


def refused_drop(error: StatementFailed) -> InTheWay:
    """The server's own refusal to drop what something depends on."""
    return InTheWay(
        f"{error.message}, and the migration is still in place",
        f"{error.help}\n{_HELP}",
    )


def gone_with_it(
    expected: Fingerprint, found: Fingerprint, after: Fingerprint | None
) -> list[str]:
    """What down.sql has taken along although it was made since, by its names."""
    if after is None:
        return []
    return [name for name in expected if name not in found and name not in after]


def _select(conn: Conn, drops: list[Dropped]) -> list[dict[str, str]]:
    places = rows(
        conn,
        "resolve_dropped",
        kinds=[item.kind for item in drops],
        names=[item.name for item in drops],
        parts=[item.part for item in drops],
    )
    with conn.transaction(force_rollback=True):
        conn.execute(query("pin_names"))
        return rows(
            conn,
            "select_dependents",
            classids=[place["classid"] for place in places],
            objids=[place["objid"] for place in places],
            objsubids=[place["objsubid"] for place in places],
        )


def _that_mention(
    conn: Conn,
    drops: list[Dropped],
    own: set[str],
    after: Fingerprint,
    now: Fingerprint,
) -> list[str]:
    """Functions with a body of text that has one of the names as a word."""
    words = {item.word for item in drops if item.word}
    newer = [
        name
        for name in now
        if name.startswith("function ")
        and name not in own
        and _is_newer(name, after, now)
    ]
    if not words or not newer:
        return []
    with conn.transaction(force_rollback=True):
        conn.execute(query("pin_names"))
        bodies = rows(conn, "select_bodies", identities=newer)
    one_of = "|".join(map(re.escape, sorted(words)))
    word = re.compile(rf"(?<![\w$])(?:{one_of})(?![\w$])", re.IGNORECASE)
    return [row["identity"] for row in bodies if word.search(row["body"])]


def _is_newer(name: str, after: Fingerprint, now: Fingerprint) -> bool:
    return name not in after or after[name] != now.get(name, after[name])


def _bare(identity: str) -> str:
    return identity.partition(" ")[2]
