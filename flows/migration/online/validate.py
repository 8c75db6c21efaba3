"""VALIDATE CONSTRAINT: reads all rows, and keeps nobody waiting but schema changes."""

from dataclasses import replace

from postgast import pg_query_pb2 as pb

from flows.migration.locks import Lock
from flows.migration.names import relation
from flows.migration.online.made import part_name
from flows.migration.online.orphans import (
    cleared_columns,
    orphans_cleared,
    orphans_of,
)
from flows.migration.online.part import Place
from flows.migration.online.steps import OnlineStep
from flows.migration.online.trees import altered, naming, sql_of


def validate(place: Place, constraint: pb.Constraint) -> OnlineStep:
    """The step that checks the rows that were there before the constraint."""
    table = place.table
    node = altered(table, naming(pb.AT_ValidateConstraint, constraint.conname))
    step = OnlineStep(
        kind="validate",
        where=place.statement.where,
        summary=replace(place.statement, node=node).summary,
        statements=(sql_of(node),),
        table=relation(table),
        locks=(Lock(relation(table), "SHARE UPDATE EXCLUSIVE"),),
    )
    if constraint.contype != pb.CONSTR_FOREIGN:
        return step
    return _with_orphans(place, constraint, step)


def _with_orphans(place: Place, key: pb.Constraint, step: OnlineStep) -> OnlineStep:
    """Only what the migration itself has written may be cleared.

    In a column that was there before, a value that refers to nothing is somebody's
    data, and in one transaction the foreign key would fail on it.
    """
    columns = (part_name(place.table, name) for name in cleared_columns(key))
    claim = place.known.claim(columns)
    return replace(
        step,
        locks=(*step.locks, Lock(relation(key.pktable), "ROW SHARE")),
        orphans=orphans_of(place.table, key),
        clear_orphans=orphans_cleared(place.table, key) if claim.is_undoable else None,
        owns=claim.owns,
    )
