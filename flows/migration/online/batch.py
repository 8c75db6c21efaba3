"""A statement limited to a physical range of its table, as a template for psycopg."""

from collections.abc import Iterator

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.online.trees import conjuncts, parsed, sql_of

_RANGE = "SELECT 1 WHERE t.ctid >= $1::tid AND t.ctid < $2::tid"
_PLACEHOLDERS = {"$1": "%(low)s", "$2": "%(high)s"}


def in_range(target: str) -> Iterator[pb.Node]:
    """Conditions that PostgreSQL 14 and newer answers by a Tid Range Scan.

    Args:
        target: the table's name or alias in the statement.
    """
    for condition in conjuncts(parsed(_RANGE).where_clause):
        condition.a_expr.lexpr.column_ref.fields[0].string.sval = target
        yield condition


def template(statement: Message) -> str:
    """The statement with ``%(low)s`` and ``%(high)s``, percent signs doubled."""
    data = sql_of(statement).encode()
    pieces, end = [], 0
    for token in postgast.scan(data.decode()).tokens:
        if token.token == pb.PARAM:
            pieces.append(_doubled(data[end : token.start]))
            pieces.append(_PLACEHOLDERS[data[token.start : token.end].decode()])
            end = token.end
    return "".join([*pieces, _doubled(data[end:])])


def _doubled(data: bytes) -> str:
    return data.decode().replace("%", "%%")
