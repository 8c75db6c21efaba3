"""ALTER TABLE: the brief commands in one statement, the others in their own steps."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import and_

from postgast import pg_query_pb2 as pb

from flows.migration.names import relation
from flows.migration.online.columns import add_column
from flows.migration.online.constraints import add_constraint
from flows.migration.online.known import Claim, Known
from flows.migration.online.made import CONSTRAINT, part_name
from flows.migration.online.not_null import not_null_steps
from flows.migration.online.part import Part, Place
from flows.migration.online.refused import Refused
from flows.migration.online.rerun import brief, unless
from flows.migration.online.restarting import RESTARTING, restarts
from flows.migration.online.steps import OnlineStep
from flows.migration.online.trees import altered, copied, sql_of
from flows.migration.online.validate import validate
from flows.migration.script import Statement

_KINDS = {pb.OBJECT_TABLE, pb.OBJECT_INDEX, pb.OBJECT_VIEW, pb.OBJECT_SEQUENCE}

# Changes of the catalogue alone, whatever the size of the table (ALTER TABLE, Notes).
_BRIEF = {
    pb.AT_AlterConstraint,
    pb.AT_ChangeOwner,
    pb.AT_ClusterOn,
    pb.AT_ColumnDefault,
    pb.AT_DisableRowSecurity,
    pb.AT_DisableTrig,
    pb.AT_DisableTrigAll,
    pb.AT_DisableTrigUser,
    pb.AT_DropCluster,
    pb.AT_DropColumn,
    pb.AT_DropConstraint,
    pb.AT_DropExpression,
    pb.AT_DropIdentity,
    pb.AT_DropNotNull,
    pb.AT_EnableAlwaysTrig,
    pb.AT_EnableReplicaTrig,
    pb.AT_EnableRowSecurity,
    pb.AT_EnableTrig,
    pb.AT_EnableTrigAll,
    pb.AT_EnableTrigUser,
    pb.AT_ForceRowSecurity,
    pb.AT_NoForceRowSecurity,
    pb.AT_ReplicaIdentity,
    pb.AT_ResetOptions,
    pb.AT_ResetRelOptions,
    pb.AT_SetCompression,
    pb.AT_SetIdentity,
    pb.AT_SetOptions,
    pb.AT_SetRelOptions,
    pb.AT_SetStatistics,
    pb.AT_SetStorage,
}
_WITH_IF_EXISTS = {
    pb.AT_DropColumn,
    pb.AT_DropConstraint,
    pb.AT_DropExpression,
    pb.AT_DropIdentity,
}
_DROPPING = {pb.AT_DropColumn, pb.AT_DropConstraint}
_ONCE = (
    "it cannot be made to run twice, as a killed run needs it",
    "Deploy it with the transactional strategy.",
)
_NEW_COLUMN = (
    "Add a column of the new type, fill it by an UPDATE … WHERE it IS NULL, and drop"
    " the old one in a later migration."
)
_REASONS = {
    pb.AT_DetachPartition: _ONCE,
    pb.AT_DropInherit: _ONCE,
    pb.AT_AlterColumnType: ("a new type rewrites the table", _NEW_COLUMN),
    pb.AT_SetExpression: ("a new expression rewrites the table", _NEW_COLUMN),
    pb.AT_AttachPartition: (
        "ATTACH PARTITION scans the partition under its lock",
        "Attach it with the transactional strategy; a valid CHECK that implies the"
        " bounds spares the scan.",
    ),
}
_REWRITES = (
    "rewrites or scans the table under a lock",
    "Deploy it with the transactional strategy, in a maintenance window if the table"
    " is large.",
)


def alter_table(statement: Statement, known: Known) -> list[OnlineStep]:
    """The steps of an ALTER TABLE, or of an ALTER INDEX, VIEW or SEQUENCE like it."""
    node: pb.AlterTableStmt = statement.node
    if node.objtype not in _KINDS:
        raise Refused(
            "what it does to the rows of tables is not known",
            "Deploy it with the transactional strategy.",
        )
    place = Place(statement, node.relation, known, _dropped(node))
    parts = [_part(place, item.alter_table_cmd) for item in node.cmds]
    is_joint = any(part.now or part.guarded for part in parts)
    if node.missing_ok and any(part.guarded or part.after for part in parts):
        raise Refused(
            "it takes several steps, and whether the table is there is not known",
            "Leave out IF EXISTS.",
        )
    steps = [_joint(place, parts)] if is_joint else []
    return [*steps, *(step for part in parts for step in part.after)]


def _part(place: Place, command: pb.AlterTableCmd) -> Part:
    rule = _RULES.get(command.subtype)
    if rule:
        return rule(place, command)
    if command.subtype not in _BRIEF:
        raise Refused(*_REASONS.get(command.subtype, _REWRITES))
    own = copied(command)
    if command.subtype in _WITH_IF_EXISTS:
        own.missing_ok = True
    if command.subtype == pb.AT_SetIdentity:
        _refuse_restart(command)
    return Part(now=(own,), claim=_claim(place, command))


def _refuse_restart(command: pb.AlterTableCmd) -> None:
    if restarts(getattr(command, "def").list.items):
        raise Refused(*RESTARTING)


def _claim(place: Place, command: pb.AlterTableCmd) -> Claim:
    if not command.name:
        return place.known.claim([relation(place.table)])
    if command.subtype != pb.AT_DropConstraint:
        return place.known.claim([part_name(place.table, command.name)])
    name = part_name(place.table, command.name, CONSTRAINT)
    # DROP CONSTRAINT IF EXISTS c, ADD CONSTRAINT c is a way to write "or replace".
    is_replaced = command.name in _added(place.statement.node)
    return Claim(owns=(name,)) if is_replaced else place.known.claim([name])


def _dropped(node: pb.AlterTableStmt) -> frozenset[str]:
    commands = (item.alter_table_cmd for item in node.cmds)
    return frozenset(
        command.name for command in commands if command.subtype in _DROPPING
    )


def _added(node: pb.AlterTableStmt) -> set[str]:
    commands = (item.alter_table_cmd for item in node.cmds)
    return {getattr(command, "def").constraint.conname for command in commands} - {""}


def _joint(place: Place, parts: list[Part]) -> OnlineStep:
    """One short transaction for all that can be done at once."""
    now = [command for part in parts for command in part.now]
    guarded = [pair for part in parts for pair in part.guarded]
    makes = [made for part in parts for made in part.makes]
    joint = copied(place.statement.node)
    del joint.cmds[:]
    joint.cmds.extend(pb.Node(alter_table_cmd=command) for command in now)
    texts = [text for part in parts for text in part.before]
    texts += [_written(place.statement, joint)] if now else []
    texts += [
        unless(made, sql_of(altered(place.table, command))) for command, made in guarded
    ]
    for command, made in guarded:
        joint.cmds.append(pb.Node(alter_table_cmd=command))
        makes.append(made)
    claim = reduce(and_, (part.claim for part in parts))
    return brief(replace(place.statement, node=joint), texts, makes, claim)


def _written(statement: Statement, node: pb.AlterTableStmt) -> str:
    return statement.text if node == statement.node else sql_of(node)


def _add_constraint(place: Place, command: pb.AlterTableCmd) -> Part:
    return add_constraint(place, getattr(command, "def").constraint)


def _set_not_null(place: Place, command: pb.AlterTableCmd) -> Part:
    return Part(after=tuple(not_null_steps(place, command.name)))


def _validate(place: Place, command: pb.AlterTableCmd) -> Part:
    named = pb.Constraint(conname=command.name)
    step = validate(place, named)
    claim = place.known.claim([part_name(place.table, command.name, CONSTRAINT)])
    changed = replace(step, is_undoable=claim.is_undoable, owns=claim.owns)
    return Part(after=(changed,))


_RULES: dict[pb.AlterTableType, Callable[[Place, pb.AlterTableCmd], Part]] = {
    pb.AT_AddColumn: add_column,
    pb.AT_AddConstraint: _add_constraint,
    pb.AT_SetNotNull: _set_not_null,
    pb.AT_ValidateConstraint: _validate,
}
