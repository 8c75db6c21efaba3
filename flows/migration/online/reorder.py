"""Indexes and foreign keys behind the backfill of their table.

Built once instead of row by row, and the table that the key refers to is locked only
at the very end. Only where that provably changes nothing but the time.
"""

from collections.abc import Sequence

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import in_schema_of, may_be_same, relation
from flows.migration.online.split import split
from flows.migration.online.volatility import unknown_functions
from flows.migration.script import Statement

_WRITES = (pb.InsertStmt, pb.UpdateStmt, pb.DeleteStmt, pb.MergeStmt)
# They neither use an index or a foreign key nor can tell whether there is one.
_HARMLESS = (
    *(pb.CreateEnumStmt, pb.CreateFunctionStmt, pb.CreateSchemaStmt, pb.CreateSeqStmt),
    *(pb.AlterFunctionStmt, pb.GrantStmt),
)
_OF_MOVED = {pb.OBJECT_INDEX, pb.OBJECT_TABCONSTRAINT}


def reordered(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements in the order of running, for both strategies.

    A foreign key that stands within an ADD COLUMN becomes a statement of its own
    where it can be moved; it keeps the place in the file of that statement.
    """
    order: list[Statement] = []
    for position, statement in enumerate(statements):
        pieces = split(statement)
        rest = statements[position + 1 :]
        if len(pieces) > 1 and not all(_behind(piece, rest) for piece in pieces[1:]):
            pieces = (statement,)
        order += pieces
    return tuple(_settled(order))


def _settled(statements: Sequence[Statement]) -> list[Statement]:
    """Each movable statement right behind the last UPDATE that it may pass."""
    order = list(statements)
    # From the last to the first: those that move to one place keep their order.
    for statement in reversed(statements):
        start = order.index(statement) + 1
        count = _behind(statement, order[start:])
        order.insert(start + count, statement)
        del order[start - 1]
    return order


def _behind(statement: Statement, rest: Sequence[Statement]) -> int:
    """How many of the next statements it moves behind; none where it stays."""
    table = _moved_table(statement.node)
    last = 0
    if table is None:
        return last
    for number, other in enumerate(rest, start=1):
        if not _lets_pass(other.node, statement.node):
            break
        if isinstance(other.node, pb.UpdateStmt):
            last = number if relation(other.node.relation) == table else last
    return last


def _moved_table(node: Message) -> str | None:
    """The table of a statement that may be moved at all."""
    match node:
        case pb.IndexStmt() if node.idxname and not node.unique:
            return relation(node.relation)
        case pb.AlterTableStmt():
            key = foreign_key(node)
            if key and not (key.deferrable or key.initdeferred or key.skip_validation):
                table = relation(node.relation)
                is_own = may_be_same(relation(key.pktable), table)
                return None if is_own else table
    return None


def foreign_key(node: pb.AlterTableStmt) -> pb.Constraint | None:
    """The key of an ALTER TABLE that does nothing but add one."""
    (first, *others) = [item.alter_table_cmd for item in node.cmds]
    constraint = getattr(first, "def").constraint
    is_one = not others and first.subtype == pb.AT_AddConstraint
    return constraint if is_one and constraint.contype == pb.CONSTR_FOREIGN else None


def _lets_pass(other: Message, moved: Message) -> bool:
    """Whether it does the same before and after the moved statement."""
    match other:
        case _ if isinstance(other, _WRITES):
            return _is_plain(other) and not _writes_parent(other, moved)
        case pb.IndexStmt():
            return bool(other.idxname) and _index_name(other) != _index_name(moved)
        case pb.AlterTableStmt():
            return _is_addition(other)
        case pb.CommentStmt():
            return other.objtype not in _OF_MOVED
    return isinstance(other, _HARMLESS)


def _is_plain(node: Message) -> bool:
    """Neither a function of unknown effect nor a use of an index by name or columns."""
    conflict = getattr(node, "on_conflict_clause", pb.OnConflictClause())
    return not unknown_functions(node) and not conflict.action


def _writes_parent(node: Message, moved: Message) -> bool:
    """A write to the referenced table does what ON DELETE and ON UPDATE say."""
    key = foreign_key(moved) if isinstance(moved, pb.AlterTableStmt) else None
    return key is not None and any(
        may_be_same(relation(part.relation), relation(key.pktable))
        for _, part in postgast.walk(node)
        if isinstance(part, _WRITES) and not isinstance(part, pb.InsertStmt)
    )


def _is_addition(node: pb.AlterTableStmt) -> bool:
    """New columns without constraints, or a foreign key, which may be moved itself."""
    if foreign_key(node):
        return True
    commands = [item.alter_table_cmd for item in node.cmds]
    return all(
        command.subtype == pb.AT_AddColumn
        and not getattr(command, "def").column_def.constraints
        for command in commands
    )


def _index_name(node: Message) -> str | None:
    if isinstance(node, pb.IndexStmt):
        return in_schema_of(node.relation, node.idxname)
    return None
