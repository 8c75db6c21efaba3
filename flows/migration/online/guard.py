"""The condition that keeps an UPDATE from changing a row twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import inner
from flows.migration.online.refused import Refused
from flows.migration.online.trees import null_test, same_tree
from flows.migration.online.volatility import reads_clock

_NOT_RESTARTABLE = (
    "nothing in its WHERE leaves out the rows that it has changed already, so it"
    " cannot run in batches"
)
_WRITE_A_GUARD = (
    "Add to its WHERE, joined by AND, `column IS NULL` for a column that it fills, or"
    " `column IS DISTINCT FROM new_value` with the value that it sets."
)


@dataclass(frozen=True)
class Guard:
    """A condition of the WHERE clause that no changed row meets.

    Attributes:
        proof: must be added to the WHERE, or rows whose new value is NULL would be
            changed for ever.
        is_lookup_free: it reads nothing but the row itself.
        value: what it compares with, where the answer must stay the same.
    """

    condition: pb.Node
    proof: tuple[pb.Node, ...]
    is_lookup_free: bool


def guard_of(
    conditions: Sequence[pb.Node], assigned: Mapping[str, pb.Node], target: str
) -> Guard:
    """The guard among the conditions that a WHERE joins by AND.

    Args:
        assigned: the new value by column.
        target: the table's name or alias in the statement.

    Raises:
        Refused: there is none.
    """
    for condition in conditions:
        match inner(condition):
            case pb.NullTest() as test if test.nulltesttype == pb.IS_NULL:
                name = own_column(test.arg, target)
                if name in assigned:
                    return _filling(condition, assigned, name)
            case pb.A_Expr() as test:
                name = own_column(test.lexpr, target)
                if name in assigned and _excludes(test, assigned, name, target):
                    is_constant = _is_constant(test.rexpr)
                    return Guard(condition, (), is_constant)
    raise Refused(_NOT_RESTARTABLE, _WRITE_A_GUARD)


def own_column(node: pb.Node, target: str) -> str:
    """The target's column that an expression is, if it is one and says so.

    An unqualified name is taken for the target's: a name that is set is a column of
    its, and would be ambiguous were it anybody else's too.
    """
    names = [field.string.sval for field in node.column_ref.fields]
    is_own = len(names) == 1 or (len(names) == 2 and names[0] == target)
    return names[-1] if is_own else ""


def _filling(condition: pb.Node, assigned: Mapping[str, pb.Node], name: str) -> Guard:
    value = assigned[name]
    if _is_never_null(value):
        return Guard(condition, (), True)
    if len(assigned) > 1:
        raise Refused(
            f"it sets several columns, and where {name} is to become NULL the others"
            " would be set again and again",
            "Write one UPDATE for each column, or COALESCE the value with a constant.",
        )
    return Guard(condition, (null_test(value, is_null=False),), True)


def _excludes(
    test: pb.A_Expr, assigned: Mapping[str, pb.Node], name: str, target: str
) -> bool:
    """``c IS DISTINCT FROM value``, or ``c <> constant``, of the value that c gets."""
    names = [name.string.sval for name in test.name]
    is_unequal = test.kind == pb.AEXPR_OP and names == ["<>"]
    is_distinct = test.kind == pb.AEXPR_DISTINCT
    if not (is_distinct or (is_unequal and _is_constant(test.rexpr))):
        return False
    own = (own_column(column, target) for column in _columns(test.rexpr))
    changes = reads_clock(test.rexpr) or any(item in assigned for item in own)
    return same_tree(test.rexpr, assigned[name]) and not changes


def _columns(node: Message) -> list[pb.Node]:
    return [
        pb.Node(column_ref=part)
        for _, part in postgast.walk(node)
        if isinstance(part, pb.ColumnRef)
    ]


def _is_constant(node: pb.Node) -> bool:
    match inner(node):
        case pb.A_Const() as constant:
            return not constant.isnull
        case pb.TypeCast() as cast:
            return _is_constant(cast.arg)
    return False


def _is_never_null(node: pb.Node) -> bool:
    match inner(node):
        case pb.CoalesceExpr() as coalesce:
            return any(map(_is_never_null, coalesce.args))
        case pb.FuncCall() as call:
            return bool(call.funcname[-1].string.sval == "now")
        case pb.SQLValueFunction():
            return True
    return _is_constant(node)
