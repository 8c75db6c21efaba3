"""DROP and RENAME in a script."""

from typing import Literal

from postgast import pg_query_pb2 as pb

from flows.migration.expectation import ObjectExpectation
from flows.migration.foreseen import Foreseen
from flows.migration.names import (
    in_schema_of,
    is_builtin,
    named_function,
    object_name,
    qualified,
    relation,
)

_Kind = Literal["table", "view", "sequence", "index", "type", "trigger", "policy"]

_RELATIONS: dict[pb.ObjectType, _Kind] = {
    pb.OBJECT_DOMAIN: "type",
    pb.OBJECT_FOREIGN_TABLE: "table",
    pb.OBJECT_INDEX: "index",
    pb.OBJECT_MATVIEW: "view",
    pb.OBJECT_SEQUENCE: "sequence",
    pb.OBJECT_TABLE: "table",
    pb.OBJECT_TYPE: "type",
    pb.OBJECT_VIEW: "view",
}
_OF_TABLES: dict[pb.ObjectType, _Kind] = {
    pb.OBJECT_POLICY: "policy",
    pb.OBJECT_TRIGGER: "trigger",
}
_FUNCTIONS = {pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE, pb.OBJECT_ROUTINE}
_RENAMED_WITHIN_TABLE = {pb.OBJECT_POLICY, pb.OBJECT_TABCONSTRAINT, pb.OBJECT_TRIGGER}


def drop(foreseen: Foreseen, node: pb.DropStmt) -> None:
    if node.behavior == pb.DROP_CASCADE:
        foreseen.forget_present()
    for item in node.objects:
        if node.remove_type in _RELATIONS:
            _drop_relation(foreseen, _RELATIONS[node.remove_type], object_name(item))
        elif node.remove_type in _OF_TABLES:
            _drop_from_table(foreseen, _OF_TABLES[node.remove_type], item.list)
        elif node.remove_type in _FUNCTIONS:
            _drop_function(foreseen, item.object_with_args)
        elif node.remove_type == pb.OBJECT_SCHEMA:
            name = object_name(item)
            foreseen.put(ObjectExpectation(kind="schema", name=name, present=False))


def do(foreseen: Foreseen, node: pb.DoStmt) -> None:
    """A guarded CREATE may bring back what was dropped before."""
    sources = [item.def_elem.arg.string.sval for item in node.args]
    foreseen.forget_gone(
        lambda name: any(name.split(".")[-1] in source for source in sources)
    )


def drop_owned(foreseen: Foreseen, node: pb.DropOwnedStmt) -> None:
    foreseen.forget_present()


def rename(foreseen: Foreseen, node: pb.RenameStmt) -> None:
    """Nothing is expected any more of what has changed its name."""
    if node.rename_type == pb.OBJECT_COLUMN:
        table = relation(node.relation)
        foreseen.forget_dependents(table)
        foreseen.forget_column(table, node.subname)
        foreseen.forget_column(table, node.newname)
    elif node.rename_type in _RENAMED_WITHIN_TABLE:
        foreseen.forget_relation(relation(node.relation))
    elif node.rename_type in _RELATIONS and node.HasField("relation"):
        foreseen.forget_relation(relation(node.relation))
        foreseen.forget_relation(in_schema_of(node.relation, node.newname))
    else:
        foreseen.forget_all()


def move(foreseen: Foreseen, node: pb.AlterObjectSchemaStmt) -> None:
    """SET SCHEMA: the object may also have taken the place of one that was dropped."""
    foreseen.forget_all()


def _drop_relation(foreseen: Foreseen, kind: _Kind, name: str) -> None:
    if foreseen.is_temporary(name):
        foreseen.temporary.discard(name)
        return
    foreseen.forget_relation(name)
    foreseen.put(ObjectExpectation(kind=kind, name=name, present=False))


def _drop_from_table(foreseen: Foreseen, kind: _Kind, names: pb.List) -> None:
    table, name = qualified(names.items[:-1]), names.items[-1].string.sval
    foreseen.put(ObjectExpectation(kind=kind, name=name, table=table, present=False))


def _drop_function(foreseen: Foreseen, node: pb.ObjectWithArgs) -> None:
    """A function is looked up by its types, so these must still be there."""
    signature = named_function(node)
    foreseen.forget_function(signature)
    types = [argument.type_name for argument in node.objargs]
    if signature.types is not None and all(map(is_builtin, types)):
        name = str(signature)
        foreseen.put(ObjectExpectation(kind="function", name=name, present=False))
