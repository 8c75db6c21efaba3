"""Which relations a statement names, apart from its WITH queries."""

from collections.abc import Iterable, Iterator

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import inner

DATA_STATEMENTS = (
    pb.SelectStmt,
    pb.InsertStmt,
    pb.UpdateStmt,
    pb.DeleteStmt,
    pb.MergeStmt,
)
"""Statements that read or write rows at once, rather than define something."""


def relations_in(
    node: Message, hidden: frozenset[str] = frozenset()
) -> Iterator[pb.RangeVar]:
    """Every relation that a tree names, in order, with repetitions.

    Args:
        hidden: names of WITH queries, which an unqualified name means instead.
    """
    if isinstance(node, pb.RangeVar):
        if node.relname and (node.schemaname or node.relname not in hidden):
            yield node
        return
    clause = getattr(node, "with_clause", None)
    if isinstance(clause, pb.WithClause):
        yield from _in_with(clause, hidden)
        hidden |= _names(clause)
    for field, child in _children(node):
        if field not in ("with_clause", "into_clause"):
            yield from relations_in(child, hidden)


def _in_with(clause: pb.WithClause, hidden: frozenset[str]) -> Iterator[pb.RangeVar]:
    """Without RECURSIVE a WITH query sees only those before it."""
    if clause.recursive:
        hidden |= _names(clause)
    for item in clause.ctes:
        query = item.common_table_expr
        yield from relations_in(inner(query.ctequery), hidden)
        hidden |= {query.ctename}


def _names(clause: pb.WithClause) -> frozenset[str]:
    return frozenset(item.common_table_expr.ctename for item in clause.ctes)


def _children(node: Message) -> Iterator[tuple[str, Message]]:
    for field, value in node.ListFields():
        if isinstance(value, Message):
            yield field.name, value
        elif field.message_type is not None:
            yield from ((field.name, item) for item in _messages(value))


def _messages(values: Iterable[Message]) -> Iterable[Message]:
    return values
