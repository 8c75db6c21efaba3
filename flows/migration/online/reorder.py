"""Indexes and foreign keys behind the backfill of their table.

Built once instead of row by row, and the table that the key refers to is locked only
at the very end. Only where that provably changes nothing but the time.
"""

from collections.abc import Callable, Sequence

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import in_schema_of, may_be_same, relation
from flows.migration.online.split import split
from flows.migration.online.volatility import unknown_functions
from flows.migration.script import Statement

MayWait = Callable[[pb.Constraint], bool]

_WRITES = (pb.InsertStmt, pb.UpdateStmt, pb.DeleteStmt, pb.MergeStmt)
_OF_FUNCTIONS = (pb.AlterFunctionStmt, pb.CreateFunctionStmt)
# They neither use an index or a foreign key nor can tell whether there is one.
_HARMLESS = (*(pb.CreateEnumStmt, pb.CreateSchemaStmt, pb.CreateSeqStmt, pb.GrantStmt),)
_OF_MOVED = {pb.OBJECT_INDEX, pb.OBJECT_TABCONSTRAINT}


def _any(key: pb.Constraint) -> bool:
    return True


def reordered(
    statements: Sequence[Statement], may_wait: MayWait = _any
) -> tuple[Statement, ...]:
    """The statements in the order of running, for both strategies.

    A foreign key that stands within an ADD COLUMN becomes a statement of its own
    where it can be moved; it keeps the place in the file of that statement.

    Args:
        may_wait: whether a foreign key may be moved at all. In one transaction any
            may; online, rows of the referenced table may be deleted meanwhile.
    """
    order: list[Statement] = []
    for position, statement in enumerate(statements):
        first, *keys = split(statement)
        rest = statements[position + 1 :]
        is_split = all(_wants_to_move(key, rest, may_wait) for key in keys)
        order += [first, *keys] if is_split else [statement]
    return tuple(_settled(order, may_wait))


def _wants_to_move(
    statement: Statement, rest: Sequence[Statement], may_wait: MayWait
) -> bool:
    return _is_free(statement.node, may_wait) and _behind(statement, rest) > 0


def _settled(statements: Sequence[Statement], may_wait: MayWait) -> list[Statement]:
    """Each movable statement right behind the last UPDATE that it may pass."""
    order: list[Statement] = []
    # From the last to the first: those that move to one place keep their order.
    for statement in reversed(statements):
        is_free = _is_free(statement.node, may_wait)
        order.insert(_behind(statement, order) if is_free else 0, statement)
    return order


def _is_free(node: Message, may_wait: MayWait) -> bool:
    key = foreign_key(node) if isinstance(node, pb.AlterTableStmt) else None
    return key is None or may_wait(key)


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
            if key and not (key.deferrable or key.skip_validation):
                table = relation(node.relation)
                is_own = may_be_same(relation(key.pktable), table)
                return None if is_own else table
    return None


def foreign_key(node: pb.AlterTableStmt) -> pb.Constraint | None:
    """The key of an ALTER TABLE that does nothing but add one."""
    (first, *others) = [item.alter_table_cmd for item in node.cmds]
    constraint = getattr(first, "def").constraint
    is_key = constraint.contype == pb.CONSTR_FOREIGN
    return constraint if is_key and not others else None


def _lets_pass(other: Message, moved: Message) -> bool:
    """Whether it does the same before and after the moved statement."""
    match other:
        case _ if isinstance(other, _WRITES):
            return _is_plain(other) and not _may_delete_referenced(other, moved)
        case _ if isinstance(other, _OF_FUNCTIONS):
            # An index may be on what the function computes.
            return not unknown_functions(moved)
        case pb.IndexStmt():
            return bool(other.idxname) and _index_name(other) != _index_name(moved)
        case pb.AlterTableStmt():
            return _is_addition(other, moved)
        case pb.CommentStmt():
            return other.objtype not in _OF_MOVED
    return isinstance(other, _HARMLESS)


def _is_plain(node: Message) -> bool:
    """Neither a function of unknown effect nor a use of an index by name or columns."""
    conflict = getattr(node, "on_conflict_clause", pb.OnConflictClause())
    return not unknown_functions(node) and not conflict.action


def _may_delete_referenced(node: Message, moved: Message) -> bool:
    """Whether ON DELETE or ON UPDATE of a moved foreign key might have work to do.

    The referenced table may be reached from any other by foreign keys that cascade.
    """
    if not isinstance(moved, pb.AlterTableStmt):
        return False
    return not all(
        isinstance(part, pb.InsertStmt) or _updates(part, moved.relation)
        for _, part in postgast.walk(node)
        if isinstance(part, _WRITES)
    )


def _updates(node: Message, table: pb.RangeVar) -> bool:
    match node:
        case pb.UpdateStmt():
            return relation(node.relation) == relation(table)
    return False


def _is_addition(node: pb.AlterTableStmt, moved: Message) -> bool:
    """New columns without constraints, or a foreign key, which may be moved itself."""
    key = foreign_key(node)
    if key:
        # One without a name gets another one where its own is taken.
        other = foreign_key(moved) if isinstance(moved, pb.AlterTableStmt) else None
        return other is None or bool(key.conname and other.conname)
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
