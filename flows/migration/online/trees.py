"""Syntax trees put together, and written as SQL that reads back as the same tree."""

from collections.abc import Iterable
from typing import Any

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import inner
from flows.migration.online.refused import Refused

_FIELDS = {
    field.message_type.name: field.name
    for field in pb.Node.DESCRIPTOR.fields
    if field.message_type
}
_INEXACT = (
    "cannot be written back exactly from its syntax tree",
    "Write its expressions more simply: no IS [NOT] NULL, IN or LIKE right behind a"
    " parenthesis.",
)
_POSITIONS = ("location", "list_start", "list_end", "rexpr_list_start")


def sql_of(statement: Message) -> str:
    """A statement as SQL.

    Raises:
        Refused: libpg_query would write something else (it leaves out parentheses
            that some expressions need).
    """
    try:
        text = unchecked_sql_of(statement)
        (only,) = postgast.parse(text).stmts
    except postgast.PgQueryError:
        raise Refused(*_INEXACT) from None
    if not same_tree(statement, inner(only.stmt)):
        raise Refused(*_INEXACT)
    return text


def unchecked_sql_of(statement: Message) -> str:
    """A statement as SQL, which reads back with more fields than it was made with."""
    tree = pb.ParseResult()
    tree.stmts.add().stmt.CopyFrom(wrapped(statement))
    text: str = postgast.deparse(tree)
    return text


def parsed(sql: str) -> Any:
    """The tree of the only statement of some SQL of this package's own."""
    (only,) = postgast.parse(sql).stmts
    return inner(only.stmt)


def copied(node: Message) -> Any:
    """A copy to be changed."""
    copy = type(node)()
    copy.CopyFrom(node)
    return copy


def wrapped(node: Message) -> pb.Node:
    """The node as it stands in another's field."""
    wrapper = pb.Node()
    getattr(wrapper, _FIELDS[node.DESCRIPTOR.name]).CopyFrom(node)
    return wrapper


def same_tree(left: Message, right: Message) -> bool:
    """Whether two trees are the same but for positions in the text."""
    bare = [_without_positions(copied(node)) for node in (left, right)]
    return bool(bare[0] == bare[1])


def _without_positions(node: Any) -> Message:
    for field, value in node.ListFields():
        if field.name in _POSITIONS:
            node.ClearField(field.name)
        elif isinstance(value, Message):
            _without_positions(value)
        elif field.message_type:
            for item in value:
                _without_positions(item)
    message: Message = node
    return message


def conjuncts(condition: pb.Node) -> list[pb.Node]:
    """The parts of a condition that must all hold; none where there is none."""
    if condition.bool_expr.boolop == pb.AND_EXPR:
        return [part for arg in condition.bool_expr.args for part in conjuncts(arg)]
    return [condition] if condition.WhichOneof("node") else []


def all_of(conditions: Iterable[pb.Node]) -> pb.Node:
    """A condition that holds where all do."""
    listed = list(conditions)
    if len(listed) == 1:
        return listed[0]
    return pb.Node(bool_expr=pb.BoolExpr(boolop=pb.AND_EXPR, args=listed))


def column(*names: str) -> pb.Node:
    """A reference to a column, as in ``u.id``."""
    fields = [pb.Node(string=pb.String(sval=name)) for name in names]
    return pb.Node(column_ref=pb.ColumnRef(fields=fields))


def null_test(value: pb.Node, is_null: bool) -> pb.Node:
    kind = pb.IS_NULL if is_null else pb.IS_NOT_NULL
    return pb.Node(null_test=pb.NullTest(arg=value, nulltesttype=kind))


def equal(left: pb.Node, right: pb.Node) -> pb.Node:
    operator = [pb.Node(string=pb.String(sval="="))]
    return pb.Node(
        a_expr=pb.A_Expr(kind=pb.AEXPR_OP, name=operator, lexpr=left, rexpr=right)
    )


def is_in(value: pb.Node, query: pb.SelectStmt) -> pb.Node:
    """``value IN (query)``."""
    link = pb.SubLink(
        sub_link_type=pb.ANY_SUBLINK, testexpr=value, subselect=wrapped(query)
    )
    return pb.Node(sub_link=link)


def is_missing(query: pb.SelectStmt) -> pb.Node:
    """``NOT EXISTS (query)``."""
    link = pb.SubLink(sub_link_type=pb.EXISTS_SUBLINK, subselect=wrapped(query))
    return negated(pb.Node(sub_link=link))


def negated(condition: pb.Node) -> pb.Node:
    return pb.Node(bool_expr=pb.BoolExpr(boolop=pb.NOT_EXPR, args=[condition]))


def either(condition: pb.Node, then: pb.Node, other: pb.Node) -> pb.Node:
    """``CASE WHEN condition THEN then ELSE other END``."""
    when = pb.Node(case_when=pb.CaseWhen(expr=condition, result=then))
    return pb.Node(case_expr=pb.CaseExpr(args=[when], defresult=other))


def filled(template: str, **texts: str) -> str:
    """SQL with string constants such as ``':table'`` replaced by others."""
    tree = parsed(template)
    for _, part in postgast.walk(tree):
        if isinstance(part, pb.A_Const) and part.sval.sval.startswith(":"):
            part.sval.sval = texts[part.sval.sval[1:]]
    return sql_of(tree)


def altered(
    table: pb.RangeVar, *commands: pb.AlterTableCmd, if_exists: bool = False
) -> pb.AlterTableStmt:
    """An ALTER TABLE."""
    return pb.AlterTableStmt(
        relation=table,
        cmds=[pb.Node(alter_table_cmd=command) for command in commands],
        objtype=pb.OBJECT_TABLE,
        missing_ok=if_exists,
    )


def adding(constraint: pb.Constraint) -> pb.AlterTableCmd:
    """``ADD CONSTRAINT`` as a part of ALTER TABLE."""
    command = pb.AlterTableCmd(subtype=pb.AT_AddConstraint, behavior=pb.DROP_RESTRICT)
    getattr(command, "def").constraint.CopyFrom(constraint)
    return command


def naming(
    subtype: pb.AlterTableType, name: str, missing_ok: bool = False
) -> pb.AlterTableCmd:
    """A part of ALTER TABLE that needs nothing but a name, as DROP COLUMN."""
    return pb.AlterTableCmd(
        subtype=subtype, name=name, missing_ok=missing_ok, behavior=pb.DROP_RESTRICT
    )
