"""Whether a condition leaves any row out."""

from itertools import combinations

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import expression_text, inner

_DEPENDS = (pb.ColumnRef, pb.FuncCall, pb.SubLink, pb.CurrentOfExpr, pb.ParamRef)


def holds_for_every_row(condition: pb.Node) -> bool:
    """True for no condition, and for one that is plainly always true.

    ``true``, ``1 = 1``, ``id = id``, ``a IS NULL OR a IS NOT NULL``, and what AND
    and OR make of them. Any other condition without a column counts too: nobody
    chooses rows by a constant.
    """
    node = inner(condition)
    if not condition.WhichOneof("node") or _is_constant(node):
        return True
    match node:
        case pb.BoolExpr() if node.boolop == pb.AND_EXPR:
            return all(map(holds_for_every_row, node.args))
        case pb.BoolExpr() if node.boolop == pb.OR_EXPR:
            return any(map(holds_for_every_row, node.args)) or any(
                _are_opposites(inner(one), inner(other))
                for one, other in combinations(node.args, 2)
            )
        case pb.A_Expr() if node.kind == pb.AEXPR_OP:
            return _is_equal_to_itself(node)
    return False


def _is_constant(node: Message) -> bool:
    return not any(isinstance(part, _DEPENDS) for _, part in postgast.walk(node))


def _is_equal_to_itself(node: pb.A_Expr) -> bool:
    operator = node.name[-1].string.sval
    same = node.HasField("lexpr") and _text(node.lexpr) == _text(node.rexpr)
    return operator in ("=", ">=", "<=") and same


def _are_opposites(one: Message, other: Message) -> bool:
    return (
        isinstance(one, pb.NullTest)
        and isinstance(other, pb.NullTest)
        and one.nulltesttype != other.nulltesttype
        and _text(one.arg) == _text(other.arg)
    )


def _text(node: pb.Node) -> str:
    return expression_text(node)
