"""ADD PRIMARY KEY and UNIQUE: the index first, built while everybody works."""

from dataclasses import replace

from postgast import pg_query_pb2 as pb

from flows.migration.online.constraint_name import constraint_name
from flows.migration.online.index import built_concurrently
from flows.migration.online.made import made_constraint
from flows.migration.online.not_null import not_null_steps
from flows.migration.online.part import Part, Place
from flows.migration.online.refused import Refused
from flows.migration.online.rerun import brief, unless
from flows.migration.online.steps import OnlineStep
from flows.migration.online.trees import adding, altered, copied, sql_of
from flows.migration.script import Statement


def add_unique(place: Place, constraint: pb.Constraint) -> Part:
    """The index after the other commands, and then the constraint that takes it over.

    Raises:
        Refused: an index that is built concurrently could not stand in for it.
    """
    if constraint.without_overlaps or constraint.options:
        raise Refused(
            "the index of this constraint cannot be built beforehand",
            "Leave out WITHOUT OVERLAPS and WITH (…), or deploy it with the"
            " transactional strategy.",
        )
    name = constraint_name(place.table, constraint)
    if place.dropped:
        raise Refused(
            "what the same ALTER TABLE drops would be missing until its index is built",
            "Add it by a statement of its own first, and drop the other afterwards.",
        )
    adopting = copied(constraint)
    adopting.conname = name
    if constraint.indexname:
        return _adopted(place, adopting)
    adopting.indexname = name
    # The index says these.
    for field in ("keys", "including", "nulls_not_distinct", "indexspace"):
        adopting.ClearField(field)
    index = built_concurrently(_with(place, _index(place.table, name, constraint)))
    adoption = _adopted(place, adopting)
    (command, made), *_ = adoption.guarded
    alter = altered(place.table, command)
    step = brief(_with(place, alter), [unless(made, sql_of(alter))], [made])
    return Part(after=(index, *_not_null(place, constraint), step))


def _not_null(place: Place, constraint: pb.Constraint) -> list[OnlineStep]:
    """A primary key would look for NULLs under its lock."""
    if constraint.contype != pb.CONSTR_PRIMARY:
        return []
    names = [key.string.sval for key in constraint.keys]
    return [step for name in names for step in not_null_steps(place, name)]


def _adopted(place: Place, constraint: pb.Constraint) -> Part:
    made = made_constraint(place.table, constraint.conname, must_be_new=True)
    return Part(guarded=((adding(constraint), made),))


def _with(place: Place, node: pb.IndexStmt | pb.AlterTableStmt) -> Statement:
    return replace(place.statement, node=node)


def _index(table: pb.RangeVar, name: str, constraint: pb.Constraint) -> pb.IndexStmt:
    return pb.IndexStmt(
        idxname=name,
        relation=table,
        access_method="btree",
        unique=True,
        nulls_not_distinct=constraint.nulls_not_distinct,
        index_params=list(map(_element, constraint.keys)),
        index_including_params=list(map(_element, constraint.including)),
        table_space=constraint.indexspace,
    )


def _element(column: pb.Node) -> pb.Node:
    return pb.Node(
        index_elem=pb.IndexElem(
            name=column.string.sval,
            ordering=pb.SORTBY_DEFAULT,
            nulls_ordering=pb.SORTBY_NULLS_DEFAULT,
        )
    )
