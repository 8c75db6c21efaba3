"""Whether two SQL expressions are the same but for spelling."""

from typing import Any

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb


def same_expression(left: str | None, right: str | None) -> bool:
    """Compare by syntax tree: spaces, parentheses, case and casts of constants.

    PostgreSQL writes casts to the constants that it stores (``'x'::text``), so they
    are left out on both sides. False may still mean the same thing (``IN`` is stored
    as ``= ANY``): ask the server before believing it.
    """
    if left is None or right is None:
        return left is right
    return bool(_plain(left) == _plain(right))


def _plain(expression: str) -> Any:
    try:
        tree = postgast.parse(f"SELECT {expression}")
    except postgast.PgQueryError:
        return expression
    return _without_noise(tree.stmts[0].stmt)


def _without_noise(value: Any) -> Any:
    if isinstance(value, Message):
        if isinstance(value, pb.TypeCast) and value.arg.HasField("a_const"):
            return _without_noise(value.arg)
        fields = [(f.name, v) for f, v in value.ListFields() if f.name != "location"]
        if len(fields) == 1 and value.DESCRIPTOR.name == "Node":
            return _without_noise(fields[0][1])
        return (
            value.DESCRIPTOR.name,
            tuple((name, _without_noise(field)) for name, field in fields),
        )
    if isinstance(value, str | bytes | int | float | bool):
        return value
    return tuple(_without_noise(item) for item in value)
