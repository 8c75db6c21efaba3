"""VALIDATE CONSTRAINT: reads all rows, and keeps nobody waiting but schema changes."""

from dataclasses import replace

from postgast import pg_query_pb2 as pb

from flows.migration.locks import Lock
from flows.migration.names import relation
from flows.migration.online.orphans import orphans_cleared, orphans_of
from flows.migration.online.steps import OnlineStep
from flows.migration.online.trees import altered, naming, sql_of
from flows.migration.script import Statement


def validate(
    statement: Statement, table: pb.RangeVar, constraint: pb.Constraint
) -> OnlineStep:
    """The step that checks the rows that were there before the constraint."""
    node = altered(table, naming(pb.AT_ValidateConstraint, constraint.conname))
    step = OnlineStep(
        kind="validate",
        where=statement.where,
        summary=replace(statement, node=node).summary,
        statements=(sql_of(node),),
        table=relation(table),
        locks=(Lock(relation(table), "SHARE UPDATE EXCLUSIVE"),),
    )
    if constraint.contype != pb.CONSTR_FOREIGN:
        return step
    return replace(
        step,
        locks=(*step.locks, Lock(relation(constraint.pktable), "ROW SHARE")),
        orphans=orphans_of(table, constraint),
        clear_orphans=orphans_cleared(table, constraint),
    )
