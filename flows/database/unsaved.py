"""What a transaction has deleted or overwritten: by the server's account, not by text.

A DO block, a function, a trigger and a foreign key's action delete like anybody else:
what they drop is gone from the catalogue, a table that they empty or rewrite has
another file, and rows that they delete or change are counted by the server.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flows.database.connection import Conn, rows
from flows.database.saving import Copy
from flows.migration.losses import Loss, merged
from flows.migration.names import identifier


@dataclass(frozen=True)
class _Table:
    """As it was before."""

    oid: int
    name: str
    is_type: bool
    file: int
    deleted: int
    updated: int
    parents: frozenset[int]
    columns: dict[int, str]
    types: dict[int, list[object]]


LARGE_OBJECTS = "pg_catalog.pg_largeobject"

Noted = Mapping[int, _Table]
"""Every table by its oid."""


@dataclass(frozen=True)
class Changes:
    """What became of the tables; of each by its oid.

    Attributes:
        lost: it is gone, or a column of it, or it has been written anew.
        written: some of its rows were deleted or overwritten.
        deleted: how many rows were deleted.
        updated: how many rows were overwritten.
    """

    noted: Noted
    lost: list[tuple[int, Loss]]
    written: dict[int, Loss]
    deleted: dict[int, int]
    updated: dict[int, int]

    def family(self, oid: int) -> set[int]:
        """The table itself with its partitions.

        What else inherits from it has rows of its own.
        """
        found, size = {oid}, 0
        while len(found) > size:
            size = len(found)
            found |= {t.oid for t in self.noted.values() if t.parents & found}
        return found

    def column_number(self, oid: int, column: str) -> int | None:
        """Of a column as it was before; None where there was none of that name."""
        columns = self.noted[oid].columns.items() if oid in self.noted else ()
        return next((number for number, name in columns if name == column), None)

    def is_overwritten(self, oid: int) -> bool:
        """Whether rows of the table were changed."""
        return any(self.updated.get(member) for member in self.family(oid))


def note_tables(conn: Conn) -> Noted:
    """What there is to lose, before anything is deleted."""
    return {
        row["oid"]: _Table(
            oid=row["oid"],
            name=f"{identifier(row['schema'])}.{identifier(row['name'])}",
            is_type=row["is_type"],
            file=row["file"],
            deleted=row["deleted"],
            updated=row["updated"],
            parents=frozenset(row["parents"]),
            columns={int(n): name for n, (name, *_) in row["columns"].items()},
            types={int(n): type_ for n, (_, *type_) in row["columns"].items()},
        )
        for row in rows(conn, "note_tables")
    }


def changes_since(conn: Conn, noted: Noted) -> Changes:
    """What this transaction has deleted and overwritten since the tables were noted."""
    changes = Changes(noted, [], {}, {}, {})
    narrower = []
    for now in rows(conn, "select_touched"):
        before = noted.get(now["oid"])
        if before is None:
            continue
        if before.is_type:
            # A dropped type has no columns, or the server would not have dropped it.
            if any(number in before.columns for number in now["dropped"]):
                narrower.append(before.oid)
            continue
        if now["is_gone"]:
            changes.lost.append((before.oid, Loss(before.name)))
            continue
        changes.lost.extend((before.oid, loss) for loss in _altered(before, now))
        changes.deleted[before.oid] = now["deleted"] - before.deleted
        changes.updated[before.oid] = now["updated"] - before.updated
        if changes.deleted[before.oid] or changes.updated[before.oid]:
            changes.written[before.oid] = _some(before, now)
    changes.lost.extend(
        (row["oid"], Loss(noted[row["oid"]].name, row["name"], stays=True))
        for row in rows(conn, "select_columns_of_types", types=narrower)
        if row["oid"] in noted
    )
    return changes


def _altered(before: _Table, now: dict[str, Any]) -> Iterator[Loss]:
    for number in now["dropped"]:
        if number in before.columns:
            yield Loss(before.name, before.columns[number])
    if now["file"] == before.file:
        return
    altered = [
        before.columns[int(number)]
        for number, type_ in now["types"].items()
        if before.types.get(int(number), type_) != type_
    ]
    yield from (Loss(before.name, name, stays=True) for name in altered)
    if not altered or now["is_empty"]:
        # Nothing tells how many of them are left.
        yield _some(before, now)


def _some(before: _Table, now: dict[str, Any]) -> Loss:
    return Loss(before.name, some=True, readers_wait=now["readers_wait"])


def unsaved_in(
    changes: Changes, copies: Iterable[Copy], taken: Mapping[int, int]
) -> tuple[Loss, ...]:
    """What is gone and was not saved.

    Args:
        taken: by a table's oid, how many rows were saved as they were deleted.
    """
    whole: set[int] = set()
    columns: set[tuple[int, str | None]] = set()
    for copy in copies:
        family = changes.family(copy.shape.oid)
        if copy.loss.column is None:
            whole |= family
        else:
            columns |= {(member, copy.loss.column) for member in family}
    unsaved = [
        loss
        for oid, loss in changes.lost
        if oid not in whole and (oid, loss.column) not in columns
    ]
    as_deleted = {m for oid in taken for m in _deleted_only(changes, oid, taken[oid])}
    unsaved += [
        loss
        for oid, loss in changes.written.items()
        if oid not in whole and oid not in as_deleted
    ]
    return merged(unsaved)


def _deleted_only(changes: Changes, oid: int, rows: int) -> set[int]:
    """The table's family, if nothing else was done to its rows."""
    family = changes.family(oid)
    deleted = sum(changes.deleted.get(member, 0) for member in family)
    is_all = deleted == rows and not changes.is_overwritten(oid)
    return family if is_all else set()
