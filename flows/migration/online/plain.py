"""Statements that are brief whatever the size of a table, so they run as they are."""

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.online.changed import changed_by
from flows.migration.online.created import created_by
from flows.migration.online.known import Claim, Known
from flows.migration.online.refused import Refused
from flows.migration.online.rerun import brief, repeatable, unless
from flows.migration.online.restarting import RESTARTING, restarts
from flows.migration.online.steps import OnlineStep
from flows.migration.script import Statement

_CREATING = (
    *(pb.CompositeTypeStmt, pb.CreateDomainStmt, pb.CreateEnumStmt),
    *(pb.CreateExtensionStmt, pb.CreateFunctionStmt, pb.CreatePolicyStmt),
    *(pb.CreateRangeStmt, pb.CreateSchemaStmt, pb.CreateSeqStmt, pb.CreateStmt),
    *(pb.CreateTableAsStmt, pb.CreateTrigStmt, pb.ViewStmt),
)
_CHANGING = (
    *(pb.AlterDefaultPrivilegesStmt, pb.AlterEnumStmt, pb.AlterFunctionStmt),
    *(pb.AlterOwnerStmt, pb.AlterPolicyStmt, pb.AlterSeqStmt, pb.CommentStmt),
    *(pb.GrantRoleStmt, pb.GrantStmt),
)
PLAIN: tuple[type[Message], ...] = (*_CREATING, *_CHANGING)

# There is neither IF NOT EXISTS nor OR REPLACE for them.
_GUARDED = (
    *(pb.CompositeTypeStmt, pb.CreateDomainStmt, pb.CreateEnumStmt),
    *(pb.CreatePolicyStmt, pb.CreateRangeStmt),
)


def as_it_is(statement: Statement, known: Known) -> list[OnlineStep]:
    """A statement that makes or changes something in the catalogue alone.

    Raises:
        Refused: it does more than its kind says.
    """
    node = statement.node
    _refuse_unusual(node)
    if isinstance(node, _CREATING):
        made = created_by(node)
        is_guarded = isinstance(node, _GUARDED) or _is_constraint_trigger(node)
        text = unless(made, statement.text) if is_guarded else repeatable(statement)
        if isinstance(node, pb.CreateDomainStmt):
            known.domains.add(made.name)
        # What OR REPLACE replaces cannot be brought back.
        owns = (made.name,) if getattr(node, "replace", False) else ()
        return [brief(statement, [text], [made], Claim(owns=owns))]
    claim = known.claim(changed_by(node))
    return [brief(statement, [repeatable(statement)], (), claim)]


def _is_constraint_trigger(node: Message) -> bool:
    return isinstance(node, pb.CreateTrigStmt) and node.isconstraint


def _refuse_unusual(node: Message) -> None:
    match node:
        case pb.CreateTableAsStmt() if not node.into.skip_data:
            raise Refused(
                "it may read many rows in one go",
                "Write CREATE MATERIALIZED VIEW … WITH NO DATA and refresh it later,"
                " or CREATE TABLE and fill it by a job of your own.",
            )
        case pb.CreateSchemaStmt() if node.schema_elts:
            raise Refused(
                "with objects in it, it cannot be made to run twice",
                "Write the objects as statements of their own.",
            )
        case pb.CreateStmt() if node.relation.relpersistence == "t":
            raise Refused(
                "a temporary table is gone when the next step runs",
                "Write a table, and drop it at the end.",
            )
        case pb.AlterSeqStmt() if restarts(node.options):
            raise Refused(*RESTARTING)
        case pb.AlterEnumStmt() if node.old_val:
            raise Refused(
                "it cannot be made to run twice, as a killed run needs it",
                "Add the new value, and leave the old one.",
            )
