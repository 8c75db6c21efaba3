"""What each kind of statement locks, as PostgreSQL's reference pages have it."""

from collections.abc import Iterator
from typing import Literal

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import object_name, qualified, relation
from flows.migration.relations import DATA_STATEMENTS, relations_in

Mode = Literal[
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
]
Locked = Iterator[tuple[str, Mode]]

_MODES: tuple[Mode, ...] = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
"""In the order of the server's numbers for them, from 1."""

_RELATION_KINDS = {
    pb.OBJECT_TABLE,
    pb.OBJECT_FOREIGN_TABLE,
    pb.OBJECT_INDEX,
    pb.OBJECT_VIEW,
    pb.OBJECT_MATVIEW,
}
_PARTS_OF_TABLES = {
    pb.OBJECT_COLUMN,
    pb.OBJECT_POLICY,
    pb.OBJECT_RULE,
    pb.OBJECT_TABCONSTRAINT,
    pb.OBJECT_TRIGGER,
}

_ONE_MODE: dict[type[Message], Mode] = {
    pb.AlterPolicyStmt: "ACCESS EXCLUSIVE",
    pb.ClusterStmt: "ACCESS EXCLUSIVE",
    pb.CreatePolicyStmt: "ACCESS EXCLUSIVE",
    pb.CreateTrigStmt: "SHARE ROW EXCLUSIVE",
    pb.ReindexStmt: "SHARE",
    pb.RuleStmt: "ACCESS EXCLUSIVE",
}
_ONE_MODE_FOR_ALL: dict[type[Message], Mode] = {
    pb.AlterPublicationStmt: "SHARE UPDATE EXCLUSIVE",
    pb.CreatePublicationStmt: "SHARE UPDATE EXCLUSIVE",
    pb.CreateStatsStmt: "SHARE UPDATE EXCLUSIVE",
    pb.TruncateStmt: "ACCESS EXCLUSIVE",
    pb.VacuumStmt: "SHARE UPDATE EXCLUSIVE",
}

_WEAK_ALTERS = {
    pb.AT_AttachPartition,
    pb.AT_ClusterOn,
    pb.AT_DropCluster,
    pb.AT_ResetOptions,
    pb.AT_SetOptions,
    pb.AT_SetStatistics,
    pb.AT_ValidateConstraint,
}
_TRIGGER_ALTERS = {
    pb.AT_DisableTrig,
    pb.AT_DisableTrigAll,
    pb.AT_DisableTrigUser,
    pb.AT_EnableAlwaysTrig,
    pb.AT_EnableReplicaTrig,
    pb.AT_EnableTrig,
    pb.AT_EnableTrigAll,
    pb.AT_EnableTrigUser,
}
_STORAGE_ALTERS = {pb.AT_SetRelOptions, pb.AT_ResetRelOptions}
_STRONG_OPTIONS = {
    "check_option",
    "security_barrier",
    "security_invoker",
    "user_catalog_table",
}


def locked_by(node: Message) -> Locked:
    """Each relation that a statement locks, with a mode; stronger ones may follow."""
    match node:
        case pb.AlterTableStmt() if node.objtype in _RELATION_KINDS:
            yield from _by_alter_table(node)
        case pb.CreateStmt():
            yield from _by_create_table(node)
        case pb.CreateForeignTableStmt():
            yield from _by_create_table(node.base_stmt)
        case pb.IndexStmt():
            yield relation(node.relation), "SHARE"
        case pb.DropStmt():
            yield from _by_drop(node)
        case pb.CommentStmt():
            yield from _by_comment(node)
        case pb.RenameStmt() | pb.AlterObjectSchemaStmt():
            yield from _by_rename(node)
        case _ if isinstance(node, DATA_STATEMENTS):
            yield from _by_data(node)
        case _:
            yield from _by_others(node)


def _by_others(node: Message) -> Locked:
    """Statements with one mode; functions, types, grants and the like take none."""
    match node:
        case pb.ViewStmt() | pb.CreateTableAsStmt():
            yield from _each(node.query, "ACCESS SHARE")
        case pb.LockStmt():
            yield from _each(node, _MODES[node.mode - 1])
        case pb.CopyStmt():
            yield from _each(node, "ROW EXCLUSIVE" if node.is_from else "ACCESS SHARE")
        case pb.RefreshMatViewStmt():
            yield from _each(
                node, "EXCLUSIVE" if node.concurrent else "ACCESS EXCLUSIVE"
            )
    if type(node) in _ONE_MODE_FOR_ALL:
        yield from _each(node, _ONE_MODE_FOR_ALL[type(node)])
    if type(node) in _ONE_MODE:
        field = "table" if isinstance(node, _POLICY) else "relation"
        yield relation(getattr(node, field)), _ONE_MODE[type(node)]


_POLICY = (pb.CreatePolicyStmt, pb.AlterPolicyStmt)


def _each(node: Message, mode: Mode) -> Locked:
    yield from ((relation(item), mode) for item in relations_in(node))


def _by_data(node: Message) -> Locked:
    yield from _each(node, "ACCESS SHARE")
    for _, part in postgast.walk(node):
        match part:
            case pb.SelectStmt() if part.locking_clause:
                yield from _each(part, "ROW SHARE")
            case pb.InsertStmt() | pb.UpdateStmt() | pb.DeleteStmt() | pb.MergeStmt():
                yield relation(part.relation), "ROW EXCLUSIVE"


def _by_alter_table(node: pb.AlterTableStmt) -> Locked:
    table = relation(node.relation)
    for item in node.cmds:
        command = item.alter_table_cmd
        yield table, _alter_level(command)
        definition = getattr(command, "def")
        yield from _by_constraint(definition.constraint)
        yield from _by_column(definition.column_def)
        if definition.partition_cmd.name.relname:
            yield relation(definition.partition_cmd.name), "ACCESS EXCLUSIVE"
        if definition.range_var.relname:
            yield relation(definition.range_var), "SHARE UPDATE EXCLUSIVE"


def _alter_level(command: pb.AlterTableCmd) -> Mode:
    """ALTER TABLE: "An ACCESS EXCLUSIVE lock is acquired unless explicitly noted"."""
    definition = getattr(command, "def")
    if command.subtype in _WEAK_ALTERS:
        return "SHARE UPDATE EXCLUSIVE"
    if command.subtype in _STORAGE_ALTERS:
        options = {option.def_elem.defname for option in definition.list.items}
        is_strong = not options.isdisjoint(_STRONG_OPTIONS)
        return "ACCESS EXCLUSIVE" if is_strong else "SHARE UPDATE EXCLUSIVE"
    is_foreign_key = definition.constraint.contype == pb.CONSTR_FOREIGN
    if command.subtype in _TRIGGER_ALTERS or is_foreign_key:
        return "SHARE ROW EXCLUSIVE"
    return "ACCESS EXCLUSIVE"


def _by_create_table(node: pb.CreateStmt) -> Locked:
    """The new table itself is seen by nobody else."""
    is_partition = node.HasField("partbound")
    for parent in node.inh_relations:
        name = relation(parent.range_var)
        yield name, "ACCESS EXCLUSIVE" if is_partition else "SHARE UPDATE EXCLUSIVE"
    for item in node.table_elts:
        yield from _by_column(item.column_def)
        yield from _by_constraint(item.constraint)
        if item.table_like_clause.relation.relname:
            yield relation(item.table_like_clause.relation), "ACCESS SHARE"


def _by_column(node: pb.ColumnDef) -> Locked:
    for item in node.constraints:
        yield from _by_constraint(item.constraint)


def _by_constraint(node: pb.Constraint) -> Locked:
    if node.contype == pb.CONSTR_FOREIGN:
        yield relation(node.pktable), "SHARE ROW EXCLUSIVE"


def _by_drop(node: pb.DropStmt) -> Locked:
    for item in node.objects:
        if node.remove_type in _RELATION_KINDS:
            yield object_name(item), "ACCESS EXCLUSIVE"
        elif node.remove_type in _PARTS_OF_TABLES:
            yield qualified(item.list.items[:-1]), "ACCESS EXCLUSIVE"


def _by_comment(node: pb.CommentStmt) -> Locked:
    if node.objtype in _RELATION_KINDS:
        yield object_name(node.object), "SHARE UPDATE EXCLUSIVE"
    elif node.objtype == pb.OBJECT_COLUMN:
        yield qualified(node.object.list.items[:-1]), "SHARE UPDATE EXCLUSIVE"


def _by_rename(node: pb.RenameStmt | pb.AlterObjectSchemaStmt) -> Locked:
    is_rename = isinstance(node, pb.RenameStmt)
    kind = node.rename_type if isinstance(node, pb.RenameStmt) else node.object_type
    if kind in _RELATION_KINDS | _PARTS_OF_TABLES:
        # ALTER INDEX RENAME lets reads and writes go on (PostgreSQL 12 and newer).
        is_weak = is_rename and kind == pb.OBJECT_INDEX
        yield (
            relation(node.relation),
            "SHARE UPDATE EXCLUSIVE" if is_weak else "ACCESS EXCLUSIVE",
        )
