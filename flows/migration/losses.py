"""What data a down.sql would delete or overwrite, as far as its text says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.conditions import holds_for_every_row
from flows.migration.locking import locked_by
from flows.migration.names import may_be_same, object_name, relation
from flows.migration.relations import DATA_STATEMENTS

_CHANGING = {pb.CMD_UPDATE, pb.CMD_DELETE}


@dataclass(frozen=True)
class Loss:
    """Data that would be gone.

    Attributes:
        table: as SQL writes it.
        column: as the catalogue holds it, without quotes; None for rows.
        some: of rows: the table stays, and not all of them need be lost.
        stays: of a column: it is there afterwards, with values of another type.
        readers_wait: the script locks the table against readers, too.
    """

    table: str
    column: str | None = None
    some: bool = False
    stays: bool = False
    readers_wait: bool = True


def losses(statements: Iterable[Message]) -> tuple[Loss, ...]:
    """What running these statements would lose, each column and table once.

    Counted are dropped columns and tables, and tables whose rows are deleted or
    overwritten; not what is taken as it is deleted, see `deletion`. What a statement
    does by way of a trigger, a foreign key or a function is not in its text.
    """
    statements = list(statements)
    locked = {
        name
        for statement in statements
        for name, mode in locked_by(statement)
        if mode == "ACCESS EXCLUSIVE"
    }
    return merged(
        replace(loss, readers_wait=any(may_be_same(loss.table, n) for n in locked))
        for statement in statements
        for loss in _losses(statement)
    )


def merged(found: Iterable[Loss]) -> tuple[Loss, ...]:
    """Each once; whoever loses all rows need not save a column or some rows, too."""
    kept: dict[tuple[str, str | None], Loss] = {}
    for loss in found:
        known = kept.get((loss.table, loss.column), loss)
        kept[loss.table, loss.column] = replace(
            loss,
            some=loss.some and known.some,
            stays=loss.stays and known.stays,
            readers_wait=loss.readers_wait or known.readers_wait,
        )
    whole = {loss.table for loss in kept.values() if _is_whole(loss)}
    return tuple(
        loss for loss in kept.values() if loss.table not in whole or _is_whole(loss)
    )


def _is_whole(loss: Loss) -> bool:
    return loss.column is None and not loss.some


def changed_tables(statements: Iterable[Message]) -> tuple[str, ...]:
    """Tables that stay, and whose rows are deleted or overwritten in part."""
    statements = list(statements)
    named = [loss.table for loss in losses(statements) if loss.some]
    named += [found.table for node in statements if (found := deletion(node))]
    return tuple(dict.fromkeys(named))


@dataclass(frozen=True)
class Deletion:
    """A DELETE that can itself tell which rows it deletes.

    Attributes:
        table: as SQL writes it.
        alias: what its columns are qualified with.
    """

    table: str
    alias: str


def deletion(statement: Message) -> Deletion | None:
    """The statement as a DELETE of some rows that returns nothing yet."""
    if (
        isinstance(statement, pb.DeleteStmt)
        and not statement.HasField("with_clause")
        and not statement.HasField("returning_clause")
        and not holds_for_every_row(statement.where_clause)
    ):
        target = statement.relation
        alias = target.alias.aliasname or target.relname
        return Deletion(relation(target), alias)
    return None


def _losses(node: Message) -> Iterator[Loss]:
    match node:
        case pb.DropStmt() if node.remove_type == pb.OBJECT_TABLE:
            yield from (Loss(object_name(table)) for table in node.objects)
        case pb.TruncateStmt():
            yield from (Loss(relation(item.range_var)) for item in node.relations)
        case pb.AlterTableStmt() if node.objtype == pb.OBJECT_TABLE:
            yield from _altered_columns(node)
        case _ if isinstance(node, DATA_STATEMENTS) and not deletion(node):
            yield from _changed_rows(node)


def _altered_columns(node: pb.AlterTableStmt) -> Iterator[Loss]:
    for item in node.cmds:
        command = item.alter_table_cmd
        # Another type may hold less of a value.
        stays = command.subtype == pb.AT_AlterColumnType
        if stays or command.subtype == pb.AT_DropColumn:
            yield Loss(relation(node.relation), command.name, stays=stays)


def _changed_rows(node: Message) -> Iterator[Loss]:
    """DELETE, UPDATE, MERGE and ON CONFLICT DO UPDATE, also inside a WITH."""
    for _, part in postgast.walk(node):
        match part:
            case pb.DeleteStmt() | pb.UpdateStmt():
                yield Loss(relation(part.relation), some=True)
            case pb.MergeStmt() if _merges_away(part):
                yield Loss(relation(part.relation), some=True)
            case pb.InsertStmt() if (
                part.on_conflict_clause.action == pb.ONCONFLICT_UPDATE
            ):
                yield Loss(relation(part.relation), some=True)


def _merges_away(node: pb.MergeStmt) -> bool:
    return any(
        clause.merge_when_clause.command_type in _CHANGING
        for clause in node.merge_when_clauses
    )
