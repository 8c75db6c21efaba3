"""What takes time in a statement: rows that it writes, and rows that it only reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import relation
from flows.migration.online.volatility import unknown_functions
from flows.migration.script import Statement

_REWRITING = {
    pb.AT_AlterColumnType,
    pb.AT_SetAccessMethod,
    pb.AT_SetExpression,
    pb.AT_SetLogged,
    pb.AT_SetTableSpace,
    pb.AT_SetUnLogged,
}
_SCANNING = {pb.AT_SetNotNull, pb.AT_ValidateConstraint, pb.AT_AttachPartition}
_CHECKED = {
    pb.CONSTR_CHECK,
    pb.CONSTR_EXCLUSION,
    pb.CONSTR_FOREIGN,
    pb.CONSTR_PRIMARY,
    pb.CONSTR_UNIQUE,
}
_WRITING = (pb.UpdateStmt, pb.DeleteStmt, pb.MergeStmt)


@dataclass(frozen=True)
class Effort:
    """Work that grows with a table.

    Attributes:
        kind: fill: rows are written. scan: they are read, and perhaps sorted.
        table: as SQL writes it; all its rows count, whatever a WHERE says.
    """

    kind: Literal["fill", "scan"]
    table: str


def efforts_of(statement: Statement) -> tuple[Effort, ...]:
    """The work of a statement in one transaction; none where it is brief."""
    return tuple(dict.fromkeys(_efforts(statement.node)))


def _efforts(node: Message) -> Iterator[Effort]:
    match node:
        case _ if isinstance(node, _WRITING):
            yield Effort("fill", relation(node.relation))
        case pb.IndexStmt() | pb.ReindexStmt() if node.relation.relname:
            yield Effort("scan", relation(node.relation))
        case pb.ClusterStmt() if node.relation.relname:
            yield Effort("fill", relation(node.relation))
        case pb.AlterTableStmt() if node.objtype == pb.OBJECT_TABLE:
            for item in node.cmds:
                yield from _of_command(relation(node.relation), item.alter_table_cmd)


def _of_command(table: str, command: pb.AlterTableCmd) -> Iterator[Effort]:
    definition = getattr(command, "def")
    if command.subtype in _REWRITING:
        yield Effort("fill", table)
    elif command.subtype in _SCANNING:
        yield Effort("scan", table)
    elif command.subtype == pb.AT_AddConstraint:
        if _is_checked(definition.constraint):
            yield Effort("scan", table)
    elif command.subtype == pb.AT_AddColumn:
        yield from _of_column(table, definition.column_def)


def _is_checked(constraint: pb.Constraint) -> bool:
    takes_over = bool(constraint.indexname)
    is_known = constraint.contype in _CHECKED and not constraint.skip_validation
    return is_known and not takes_over


def _of_column(table: str, column: pb.ColumnDef) -> Iterator[Effort]:
    """A foreign key on a column of NULLs is checked without looking at a row."""
    for item in column.constraints:
        constraint = item.constraint
        is_default = constraint.contype == pb.CONSTR_DEFAULT
        if constraint.contype in (pb.CONSTR_IDENTITY, pb.CONSTR_GENERATED) or (
            is_default and unknown_functions(constraint.raw_expr)
        ):
            yield Effort("fill", table)
        elif constraint.contype in _CHECKED - {pb.CONSTR_FOREIGN}:
            yield Effort("scan", table)
