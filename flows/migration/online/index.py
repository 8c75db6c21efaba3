"""CREATE INDEX and DROP INDEX, both CONCURRENTLY."""

from dataclasses import replace

from postgast import pg_query_pb2 as pb

from flows.migration.locks import Lock
from flows.migration.names import object_name, relation
from flows.migration.online.known import Known
from flows.migration.online.made import made_concurrently, made_relation
from flows.migration.online.refused import Refused
from flows.migration.online.rerun import brief, repeatable
from flows.migration.online.steps import OnlineStep
from flows.migration.online.trees import copied, sql_of
from flows.migration.script import Statement


def create_index(statement: Statement, known: Known) -> list[OnlineStep]:
    """CREATE INDEX; plainly on a table that nobody can have used yet."""
    node: pb.IndexStmt = statement.node
    if not node.idxname:
        raise Refused(
            "the index has no name, so that a re-run would build it once more",
            "Name the index.",
        )
    if known.is_new(relation(node.relation)):
        index = _beside(node.relation, node.idxname)
        made = made_relation(pb.OBJECT_INDEX, index, not node.if_not_exists)
        return [brief(statement, [repeatable(statement)], [made])]
    return [built_concurrently(statement)]


def built_concurrently(statement: Statement) -> OnlineStep:
    node = copied(statement.node)
    must_be_new = not node.if_not_exists
    node.concurrent = node.if_not_exists = True
    index = _beside(node.relation, node.idxname)
    table = relation(node.relation)
    return OnlineStep(
        kind="index",
        where=statement.where,
        summary=statement.summary,
        statements=(sql_of(node),),
        table=table,
        locks=(Lock(table, "SHARE UPDATE EXCLUSIVE"),),
        makes=(made_concurrently(index, must_be_new),),
        index=relation(index),
    )


def drop_index(statement: Statement, known: Known) -> list[OnlineStep]:
    """DROP INDEX, one step an index: CONCURRENTLY takes no more than one."""
    node: pb.DropStmt = statement.node
    if node.behavior == pb.DROP_CASCADE:
        raise Refused(
            "DROP INDEX CONCURRENTLY has no CASCADE",
            "Drop the constraint that needs the index first.",
        )
    return [_dropped(statement, item, known) for item in node.objects]


def _dropped(statement: Statement, index: pb.Node, known: Known) -> OnlineStep:
    node = copied(statement.node)
    del node.objects[:]
    node.objects.append(index)
    node.concurrent = node.missing_ok = True
    claim = known.claim([object_name(index)])
    known.forget([object_name(index)])
    return OnlineStep(
        kind="drop-index",
        where=statement.where,
        summary=replace(statement, node=node).summary,
        statements=(sql_of(node),),
        locks=(Lock(object_name(index), "SHARE UPDATE EXCLUSIVE"),),
        is_undoable=claim.is_undoable,
        owns=claim.owns,
    )


def _beside(table: pb.RangeVar, name: str) -> pb.RangeVar:
    """An index lies in its table's schema."""
    copy: pb.RangeVar = copied(table)
    copy.relname = name
    return copy
