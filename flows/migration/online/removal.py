"""DROP of anything: brief, and nothing that could be undone."""

from postgast import pg_query_pb2 as pb

from flows.migration.online.changed import changed_by
from flows.migration.online.index import drop_index
from flows.migration.online.known import Known
from flows.migration.online.rerun import brief, repeatable
from flows.migration.online.steps import OnlineStep
from flows.migration.script import Statement


def drop(statement: Statement, known: Known) -> list[OnlineStep]:
    """DROP with IF EXISTS; an index concurrently."""
    node: pb.DropStmt = statement.node
    if node.remove_type == pb.OBJECT_INDEX:
        return drop_index(statement, known)
    names = changed_by(node)
    claim = known.claim(names)
    known.forget(names)
    return [brief(statement, [repeatable(statement)], (), claim)]
