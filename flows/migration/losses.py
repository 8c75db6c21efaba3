"""What data a down.sql would delete."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import object_name, relation
from flows.migration.relations import DATA_STATEMENTS


@dataclass(frozen=True)
class Loss:
    """Data that would be gone.

    Attributes:
        table: as SQL writes it.
        column: as the catalogue holds it, without quotes; None for whole rows.
    """

    table: str
    column: str | None = None


def losses(statements: Iterable[Message]) -> tuple[Loss, ...]:
    """What running these statements would delete, each column and table once.

    Counted are dropped columns and tables, tables whose rows are deleted, and columns
    that get another type, which may round or cut their values.
    """
    found = dict.fromkeys(
        loss for statement in statements for loss in _losses(statement)
    )
    return tuple(
        loss for loss in found if loss.column is None or Loss(loss.table) not in found
    )


def _losses(node: Message) -> Iterator[Loss]:
    match node:
        case pb.DropStmt() if node.remove_type == pb.OBJECT_TABLE:
            yield from (Loss(object_name(table)) for table in node.objects)
        case pb.TruncateStmt():
            yield from (Loss(relation(item.range_var)) for item in node.relations)
        case pb.AlterTableStmt() if node.objtype == pb.OBJECT_TABLE:
            yield from _changed_columns(node)
        case _ if isinstance(node, DATA_STATEMENTS):
            yield from _deleted_rows(node)


def _changed_columns(node: pb.AlterTableStmt) -> Iterator[Loss]:
    for item in node.cmds:
        if item.alter_table_cmd.subtype in (pb.AT_DropColumn, pb.AT_AlterColumnType):
            yield Loss(relation(node.relation), item.alter_table_cmd.name)


def _deleted_rows(node: Message) -> Iterator[Loss]:
    """DELETE, also inside a WITH, and MERGE with a WHEN … DELETE."""
    for _, part in postgast.walk(node):
        match part:
            case pb.DeleteStmt():
                yield Loss(relation(part.relation))
            case pb.MergeStmt() if _merges_away(part):
                yield Loss(relation(part.relation))


def _merges_away(node: pb.MergeStmt) -> bool:
    return any(
        clause.merge_when_clause.command_type == pb.CMD_DELETE
        for clause in node.merge_when_clauses
    )
