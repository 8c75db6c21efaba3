"""The condition that keeps an UPDATE from changing a row twice."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import inner
from flows.migration.online.refused import Refused
from flows.migration.online.trees import null_test, same_tree
from flows.migration.online.volatility import GENERATORS, generates, varies

_SYSTEM_COLUMNS = {"cmax", "cmin", "ctid", "xmax", "xmin"}
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
        column: whose value it asks for; each UPDATE sets it.
        leaves_values: it asks for a value that is missing, so none is written over.
    """

    condition: pb.Node
    proof: tuple[pb.Node, ...]
    is_lookup_free: bool
    column: str
    leaves_values: bool


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
                    return Guard(condition, (), is_constant(test.rexpr), name, False)
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
        return Guard(condition, (), True, name, True)
    if generates(value):
        raise Refused(
            "whether its random value is NULL is asked apart from setting it",
            "Set the column to the function's own value, or COALESCE it.",
        )
    if len(assigned) > 1:
        raise Refused(
            f"it sets several columns, and where {name} is to become NULL the others"
            " would be set again and again",
            "Write one UPDATE for each column, or COALESCE the value with a constant.",
        )
    return Guard(condition, (null_test(value, is_null=False),), True, name, True)


def _excludes(
    test: pb.A_Expr, assigned: Mapping[str, pb.Node], name: str, target: str
) -> bool:
    """``c IS DISTINCT FROM value``, or ``c <> constant``, of the value that c gets."""
    names = [name.string.sval for name in test.name]
    is_unequal = test.kind == pb.AEXPR_OP and names == ["<>"]
    is_distinct = test.kind == pb.AEXPR_DISTINCT
    if not (is_distinct or (is_unequal and is_constant(test.rexpr))):
        return False
    changes = varies(test.rexpr) or any(
        _may_change(column, assigned, target) for column in _columns(test.rexpr)
    )
    return same_tree(test.rexpr, assigned[name]) and not changes


def _may_change(names: Sequence[str], assigned: Container[str], target: str) -> bool:
    """Whether a column reference may mean what the UPDATE itself sets."""
    *qualifier, last = names
    is_whole_row = last in ("", target)  # t.* or t
    is_set = last in assigned or last in _SYSTEM_COLUMNS
    return is_whole_row or (is_set and (not qualifier or qualifier[-1] == target))


def _columns(node: Message) -> list[list[str]]:
    return [
        [field.string.sval for field in part.fields]
        for _, part in postgast.walk(node)
        if isinstance(part, pb.ColumnRef)
    ]


def is_constant(node: pb.Node) -> bool:
    """Whether it is a value as such, and not NULL."""
    match inner(node):
        case pb.A_Const() as constant:
            return not constant.isnull
        case pb.TypeCast() as cast:
            return is_constant(cast.arg)
    return False


def _is_never_null(node: pb.Node) -> bool:
    match inner(node):
        case pb.CoalesceExpr() as coalesce:
            return any(map(_is_never_null, coalesce.args))
        case pb.FuncCall() as call:
            return str(call.funcname[-1].string.sval) in {"now", *GENERATORS}
        case pb.SQLValueFunction() as value:
            return bool(value.op != pb.SVFOP_CURRENT_SCHEMA)
    return is_constant(node)
