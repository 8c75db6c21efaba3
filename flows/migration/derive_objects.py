"""Indexes, views, sequences, types, triggers, policies and comments in a script."""

from typing import Literal

from postgast import pg_query_pb2 as pb

from flows.migration.expectation import IndexExpectation, ObjectExpectation
from flows.migration.foreseen import Foreseen
from flows.migration.names import (
    expression_text,
    identifier,
    in_schema_of,
    inner,
    named_function,
    qualified,
    relation,
)

_RelationKind = Literal["table", "view", "sequence", "type"]


def create_index(foreseen: Foreseen, node: pb.IndexStmt) -> None:
    table = relation(node.relation)
    if foreseen.is_temporary(table) or not node.idxname:
        return
    name = in_schema_of(node.relation, node.idxname)
    foreseen.forget_relation(name)
    # ON ONLY a partitioned table the index stays invalid until it has all its parts.
    if not node.relation.inh:
        foreseen.put(ObjectExpectation(kind="index", name=name))
        return
    predicate = node.where_clause
    foreseen.indexes[name] = IndexExpectation(
        name=name,
        table=table,
        columns=tuple(_key_text(item.index_elem) for item in node.index_params),
        unique=node.unique,
        method=node.access_method,
        predicate=expression_text(predicate) if node.HasField("where_clause") else None,
    )


def _key_text(element: pb.IndexElem) -> str:
    """A column or an expression, in parentheses where an index needs them."""
    if element.name:
        return identifier(element.name)
    text = expression_text(element.expr)
    return text if isinstance(inner(element.expr), pb.FuncCall) else f"({text})"


def create_view(foreseen: Foreseen, node: pb.ViewStmt) -> None:
    _create_relation(foreseen, "view", node.view)


def create_sequence(foreseen: Foreseen, node: pb.CreateSeqStmt) -> None:
    _create_relation(foreseen, "sequence", node.sequence)


def create_composite_type(foreseen: Foreseen, node: pb.CompositeTypeStmt) -> None:
    _create_relation(foreseen, "type", node.typevar)


def create_table_as(foreseen: Foreseen, node: pb.CreateTableAsStmt) -> None:
    is_table = node.objtype == pb.OBJECT_TABLE
    _create_relation(foreseen, "table" if is_table else "view", node.into.rel)


def select_into(foreseen: Foreseen, node: pb.SelectStmt) -> None:
    if node.HasField("into_clause"):
        _create_relation(foreseen, "table", node.into_clause.rel)


def _create_relation(
    foreseen: Foreseen, kind: _RelationKind, node: pb.RangeVar
) -> None:
    name = relation(node)
    if node.relpersistence == "t":
        foreseen.temporary.add(name)
    if not foreseen.is_temporary(name):
        foreseen.forget_relation(name)
        foreseen.put(ObjectExpectation(kind=kind, name=name))


def create_type(
    foreseen: Foreseen, node: pb.CreateEnumStmt | pb.CreateRangeStmt
) -> None:
    _create_named_type(foreseen, qualified(node.type_name))


def create_domain(foreseen: Foreseen, node: pb.CreateDomainStmt) -> None:
    _create_named_type(foreseen, qualified(node.domainname))


def _create_named_type(foreseen: Foreseen, name: str) -> None:
    foreseen.forget_relation(name)
    foreseen.put(ObjectExpectation(kind="type", name=name))


def create_schema(foreseen: Foreseen, node: pb.CreateSchemaStmt) -> None:
    if node.schemaname:
        name = identifier(node.schemaname)
        foreseen.put(ObjectExpectation(kind="schema", name=name))


def create_trigger(foreseen: Foreseen, node: pb.CreateTrigStmt) -> None:
    table = relation(node.relation)
    if not foreseen.is_temporary(table):
        foreseen.put(ObjectExpectation(kind="trigger", name=node.trigname, table=table))


def create_policy(foreseen: Foreseen, node: pb.CreatePolicyStmt) -> None:
    table = relation(node.table)
    if not foreseen.is_temporary(table):
        policy = ObjectExpectation(kind="policy", name=node.policy_name, table=table)
        foreseen.put(policy)


def comment(foreseen: Foreseen, node: pb.CommentStmt) -> None:
    """Comments on columns and functions that the script makes."""
    text = node.comment or None
    target = inner(node.object)
    if node.objtype == pb.OBJECT_COLUMN and isinstance(target, pb.List):
        table = qualified(target.items[:-1])
        foreseen.forget_other_spellings(table)
        key = (table, target.items[-1].string.sval)
        column = foreseen.columns.get(key)
        if column:
            changed = column.model_copy(update={"comment": text})
            foreseen.columns[key] = changed
    if isinstance(target, pb.ObjectWithArgs):
        for known in foreseen.functions_named(named_function(target)):
            known.change(comment=text)
