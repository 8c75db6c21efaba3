"""Whether a statement takes longer the more rows a table has."""

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.relations import DATA_STATEMENTS, relations_in
from flows.migration.script import Statement

_ALWAYS = (
    pb.ClusterStmt,
    pb.CopyStmt,
    pb.CreateTableAsStmt,
    pb.IndexStmt,
    pb.RefreshMatViewStmt,
    pb.ReindexStmt,
    pb.VacuumStmt,
)
# Scans or rewrites; ALTER TABLE, Notes. A new type may be compatible and free, which
# the text alone cannot tell.
_SCANNING_ALTERS = {
    pb.AT_AlterColumnType,
    pb.AT_AttachPartition,
    pb.AT_SetAccessMethod,
    pb.AT_SetExpression,
    pb.AT_SetLogged,
    pb.AT_SetNotNull,
    pb.AT_SetTableSpace,
    pb.AT_SetUnLogged,
    pb.AT_ValidateConstraint,
}
_FREE_CONSTRAINTS = {
    pb.CONSTR_NULL,
    pb.CONSTR_ATTR_DEFERRABLE,
    pb.CONSTR_ATTR_NOT_DEFERRABLE,
    pb.CONSTR_ATTR_DEFERRED,
    pb.CONSTR_ATTR_IMMEDIATE,
    pb.CONSTR_ATTR_ENFORCED,
    pb.CONSTR_ATTR_NOT_ENFORCED,
}


def touches_rows(statement: Statement) -> bool:
    """Whether it reads or writes a table's rows; True when in doubt.

    DO and CALL can do anything, so they count.
    """
    node = statement.node
    match node:
        case pb.AlterTableStmt():
            return any(_scans(item.alter_table_cmd) for item in node.cmds)
        case pb.DoStmt() | pb.CallStmt():
            return True
        case _ if isinstance(node, DATA_STATEMENTS):
            return any(relations_in(node))
    return isinstance(node, _ALWAYS)


def _scans(command: pb.AlterTableCmd) -> bool:
    definition = getattr(command, "def")
    if command.subtype == pb.AT_AddConstraint:
        return not definition.constraint.skip_validation
    if command.subtype == pb.AT_AddColumn:
        return any(
            _scans_new_column(item.constraint)
            for item in definition.column_def.constraints
        )
    return command.subtype in _SCANNING_ALTERS


def _scans_new_column(constraint: pb.Constraint) -> bool:
    """A column that starts as NULL or as a constant is filled without a rewrite."""
    if constraint.contype in (pb.CONSTR_FOREIGN, pb.CONSTR_NOTNULL):
        return False
    if constraint.contype == pb.CONSTR_DEFAULT:
        return _is_computed(constraint.raw_expr)
    return constraint.contype not in _FREE_CONSTRAINTS


def _is_computed(expression: Message) -> bool:
    return any(isinstance(part, pb.FuncCall) for _, part in postgast.walk(expression))
