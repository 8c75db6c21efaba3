"""What a rollback goes back to, and whether the way is clear."""

from dataclasses import dataclass

from flows.database.connection import Conn
from flows.database.dependents import assert_clear, in_the_way
from flows.database.fingerprint import (
    Fingerprint,
    expected_after_revert,
    take_fingerprint,
)
from flows.database.functions import Function, read_noted, resolve
from flows.database.ledger import Run, read_fingerprints
from flows.migration.dropped import Dropped, dropped
from flows.migration.script import Script


@dataclass(frozen=True)
class Before:
    """What the catalogue was before the migration, and what is to become of it.

    Attributes:
        was: before the migration.
        after: as the deployment left it, if that is known.
        expected: what it must be when down.sql is done.
        replaced: functions that the migration has replaced, as they were.
        drops: what down.sql drops.
    """

    was: Fingerprint
    after: Fingerprint | None
    now: Fingerprint
    expected: Fingerprint
    replaced: list[Function]
    drops: list[Dropped]


def look_back(conn: Conn, run: Run, down: Script) -> Before:
    """What a rollback of this run goes back to.

    Raises:
        InTheWay: others have built on what it would drop, as far as that can be seen.
    """
    before, after = read_fingerprints(conn, run.run_id)
    now = take_fingerprint(conn)
    expected = expected_after_revert(before, after, now)
    replaced = [
        function
        for function in read_noted(conn, run.run_id)
        # An online step notes what an earlier one has made, too.
        if function.identity in before
        if before[function.identity] == expected.get(function.identity)
    ]
    kept = {function.signature for function in replaced}
    drops = [
        item
        for item in dropped(down.nodes)
        if item.signature is None or resolve(conn, item.signature) not in kept
    ]
    assert_clear(conn, drops, after, now)
    edited = [
        f.identity for f in replaced if _is_edited(f.identity, before, after, now)
    ]
    if edited:
        raise in_the_way(edited)
    return Before(before, after, now, expected, replaced, drops)


def _is_edited(
    name: str, before: Fingerprint, after: Fingerprint | None, now: Fingerprint
) -> bool:
    """Whether somebody has changed since what the migration had changed."""
    known = None if after is None else after.get(name)
    return known is not None and now.get(name) not in (known, before.get(name))
