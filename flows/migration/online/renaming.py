"""RENAME, done only where the old name is there and the new one is not."""

from postgast import pg_query_pb2 as pb

from flows.migration.online.known import Known
from flows.migration.online.made import made_column, made_constraint, made_relation
from flows.migration.online.refused import Refused
from flows.migration.online.rerun import brief, guarded
from flows.migration.online.steps import Made, OnlineStep
from flows.migration.online.trees import copied, sql_of
from flows.migration.script import Statement

_RELATIONS = {
    pb.OBJECT_INDEX,
    pb.OBJECT_MATVIEW,
    pb.OBJECT_SEQUENCE,
    pb.OBJECT_TABLE,
    pb.OBJECT_VIEW,
}


def rename(statement: Statement, known: Known) -> list[OnlineStep]:
    """RENAME of a relation, a column or a constraint.

    Raises:
        Refused: of anything else.
    """
    node = statement.node
    back = _back(node)
    undo = _once(back, _found(back), _found(node))
    text = _once(node, _found(node), _found(back))
    new = _found(back)
    made = Made(new.name, new.exists, undo, must_be_new=True, is_old=True)
    known.forget([_found(node).name, new.name])
    return [brief(statement, [text], [made])]


def _once(node: pb.RenameStmt, old: Made, new: Made) -> str:
    condition = " ".join(("(", old.exists, ") AND NOT (", new.exists, ")"))
    return guarded(condition, sql_of(node))


def _back(node: pb.RenameStmt) -> pb.RenameStmt:
    back: pb.RenameStmt = copied(node)
    if node.rename_type in _RELATIONS:
        back.relation.relname, back.newname = node.newname, node.relation.relname
    else:
        back.subname, back.newname = node.newname, node.subname
    return back


def _found(node: pb.RenameStmt) -> Made:
    """What has the name that a RENAME takes away."""
    if node.rename_type in _RELATIONS:
        return made_relation(node.rename_type, node.relation, True)
    if node.rename_type == pb.OBJECT_COLUMN:
        return made_column(node.relation, node.subname, True)
    if node.rename_type == pb.OBJECT_TABCONSTRAINT:
        return made_constraint(node.relation, node.subname, True)
    raise Refused(
        "it cannot be made to run twice, as a killed run needs it",
        "Make a new one under the new name, and drop the old one in a later migration.",
    )
