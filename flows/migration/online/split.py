"""A foreign key taken out of the ADD COLUMN that it stands in."""

from collections.abc import Iterator
from dataclasses import replace

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.online.refused import Refused
from flows.migration.online.trees import adding, altered, copied, sql_of
from flows.migration.script import Statement

_BELONGING = {
    pb.CONSTR_ATTR_DEFERRABLE,
    pb.CONSTR_ATTR_NOT_DEFERRABLE,
    pb.CONSTR_ATTR_DEFERRED,
    pb.CONSTR_ATTR_IMMEDIATE,
    pb.CONSTR_ATTR_ENFORCED,
    pb.CONSTR_ATTR_NOT_ENFORCED,
}


def split(statement: Statement) -> tuple[Statement, ...]:
    """The statement, or the columns first and then each foreign key by itself.

    A key without a name gets the same one from PostgreSQL either way. With IF NOT
    EXISTS there is no key where the column exists, which no statement of its own can
    say, so that is left in one piece.
    """
    node = statement.node
    if not isinstance(node, pb.AlterTableStmt) or not _is_separable(node):
        return (statement,)
    columns = copied(node)
    keys = list(_taken(columns))
    if not keys or not columns.cmds:
        return (statement,)
    try:
        return tuple(_written(statement, piece) for piece in (columns, *keys))
    except Refused:
        return (statement,)


def _is_separable(node: pb.AlterTableStmt) -> bool:
    return (
        node.objtype == pb.OBJECT_TABLE
        and not node.missing_ok
        and all(_adds_column(item.alter_table_cmd) for item in node.cmds)
    )


def _adds_column(command: pb.AlterTableCmd) -> bool:
    constraints = _constraints(command)
    keys = [item for item in constraints if item.contype == pb.CONSTR_FOREIGN]
    has_attributes = any(item.contype in _BELONGING for item in constraints)
    if command.subtype != pb.AT_AddColumn or has_attributes or len(keys) > 1:
        return False
    return not (keys and command.missing_ok)


def _constraints(command: pb.AlterTableCmd) -> list[pb.Constraint]:
    column = getattr(command, "def").column_def
    return [item.constraint for item in column.constraints]


def _taken(node: pb.AlterTableStmt) -> Iterator[pb.AlterTableStmt]:
    """Take the foreign keys out of the columns, in place."""
    for item in node.cmds:
        column = getattr(item.alter_table_cmd, "def").column_def
        constraints = _constraints(item.alter_table_cmd)
        kept = [one for one in constraints if one.contype != pb.CONSTR_FOREIGN]
        keys = [copied(one) for one in constraints if one.contype == pb.CONSTR_FOREIGN]
        kept = [copied(one) for one in kept]
        del column.constraints[:]
        column.constraints.extend(pb.Node(constraint=one) for one in kept)
        for key in keys:
            key.fk_attrs.append(pb.Node(string=pb.String(sval=column.colname)))
            yield altered(node.relation, adding(key))


def _written(statement: Statement, node: Message) -> Statement:
    return replace(statement, text=sql_of(node), node=node)
