"""Which locks a statement takes on which tables, and whom they keep waiting."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.locking import Mode, locked_by
from flows.migration.names import relation
from flows.migration.script import Script, Statement

NOTHING = "nothing that an application does"

# Weakest first. What conflicts with what: documentation, 13.3 Explicit Locking.
_BLOCKS: dict[str, str] = {
    "ACCESS SHARE": NOTHING,
    "ROW SHARE": NOTHING,
    "ROW EXCLUSIVE": NOTHING,
    "SHARE UPDATE EXCLUSIVE": "schema changes only",
    "SHARE": "writes",
    "SHARE ROW EXCLUSIVE": "writes",
    "EXCLUSIVE": "writes",
    "ACCESS EXCLUSIVE": "reads and writes",
}
_STRENGTH = list(_BLOCKS)
_SYSTEM_SCHEMAS = {"pg_catalog", "information_schema", "pg_temp"}


@dataclass(frozen=True)
class Lock:
    """A lock on a table; DROP INDEX names the index, whose table is locked too.

    Attributes:
        table: as SQL writes it.
    """

    table: str
    mode: Mode


def blocks(mode: str) -> str:
    """What a lock keeps waiting, in an operator's words."""
    return _BLOCKS[mode]


def stronger(left: str, right: str) -> str:
    """The stronger of two modes."""
    return max(left, right, key=_STRENGTH.index)


def telling(since: Mapping[str, float]) -> dict[str, float]:
    """Of the modes held on one table those that say something, the first one first.

    A weaker one that came after a stronger one keeps nobody waiting any more. Nor does
    one that blocks nothing, beside one that does.

    Args:
        since: when each mode was asked for.
    """
    kept: dict[str, float] = {}
    strongest = -1
    for mode in sorted(since, key=lambda one: (since[one], -_STRENGTH.index(one))):
        if _STRENGTH.index(mode) > strongest:
            strongest = _STRENGTH.index(mode)
            kept[mode] = since[mode]
    blocking = {mode: when for mode, when in kept.items() if _BLOCKS[mode] != NOTHING}
    return blocking or kept


def locks_of(statement: Statement) -> tuple[Lock, ...]:
    """The strongest lock that a statement takes on each relation that it names.

    Known from the text alone: dropping a foreign key, or a column or table that has
    one, also takes ACCESS EXCLUSIVE on the table at its other end, and validating
    one takes ROW SHARE there.
    """
    strongest: dict[str, Mode] = {}
    for table, mode in locked_by(statement.node):
        known = strongest.get(table, mode)
        strongest[table] = max(known, mode, key=_STRENGTH.index)
    return tuple(Lock(table, mode) for table, mode in strongest.items())


def tables_of(script: Script) -> tuple[str, ...]:
    """Every table or view that a script names, but for those that it creates itself.

    System catalogues and indexes are left out.
    """
    created = {name for item in script.statements for name in _created(item.node)}
    named = dict.fromkeys(
        lock.table
        for statement in script.statements
        if not _is_about_an_index(statement.node)
        for lock in locks_of(statement)
    )
    return tuple(
        name
        for name in named
        if name not in created and name.split(".")[0] not in _SYSTEM_SCHEMAS
    )


def _created(node: Message) -> Iterator[str]:
    match node:
        case pb.CreateStmt():
            yield relation(node.relation)
        case pb.CreateForeignTableStmt():
            yield relation(node.base_stmt.relation)
        case pb.CreateTableAsStmt():
            yield relation(node.into.rel)
        case pb.SelectStmt() if node.HasField("into_clause"):
            yield relation(node.into_clause.rel)
        case pb.ViewStmt():
            yield relation(node.view)


def _is_about_an_index(node: Message) -> bool:
    kind = None
    match node:
        case pb.DropStmt():
            kind = node.remove_type
        case pb.AlterTableStmt() | pb.CommentStmt():
            kind = node.objtype
        case pb.RenameStmt():
            kind = node.rename_type
        case pb.ReindexStmt() if node.kind == pb.REINDEX_OBJECT_INDEX:
            return True
    return bool(kind == pb.OBJECT_INDEX)
