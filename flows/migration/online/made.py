"""How to ask whether something exists, and how to remove it, by kind."""

from postgast import pg_query_pb2 as pb

from flows.migration.names import (
    created_function,
    identifier,
    input_types,
    object_name,
    qualified,
    relation,
)
from flows.migration.online.steps import Made
from flows.migration.online.trees import (
    altered,
    filled,
    naming,
    sql_of,
    unchecked_sql_of,
)

_RELATION = "SELECT pg_catalog.to_regclass(':name') IS NOT NULL"
_ROUTINE = "SELECT pg_catalog.to_regprocedure(':name') IS NOT NULL"
_TYPE = "SELECT pg_catalog.to_regtype(':name') IS NOT NULL"
_SCHEMA = "SELECT pg_catalog.to_regnamespace(':name') IS NOT NULL"
_EXTENSION = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = ':name')"
)
_COLUMN = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attname = ':name'"
    " AND attrelid = pg_catalog.to_regclass(':table') AND NOT attisdropped)"
)
_NOT_NULL = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attname = ':name'"
    " AND attrelid = pg_catalog.to_regclass(':table') AND attnotnull)"
)
_CONSTRAINT = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conname = ':name'"
    " AND conrelid = pg_catalog.to_regclass(':table'))"
)
_TRIGGER = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgname = ':name'"
    " AND tgrelid = pg_catalog.to_regclass(':table'))"
)
_POLICY = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_policy WHERE polname = ':name'"
    " AND polrelid = pg_catalog.to_regclass(':table'))"
)
_PARTS = {pb.OBJECT_TRIGGER: _TRIGGER, pb.OBJECT_POLICY: _POLICY}
CONSTRAINT, NOT_NULL = "constraint", "not null"
KINDS = {
    pb.OBJECT_TABCONSTRAINT: CONSTRAINT,
    pb.OBJECT_TRIGGER: "trigger",
    pb.OBJECT_POLICY: "policy",
    pb.OBJECT_RULE: "rule",
}
"""Parts of a table whose names are no columns'."""
_NAMED = {pb.OBJECT_SCHEMA: _SCHEMA, pb.OBJECT_EXTENSION: _EXTENSION}


def part_name(table: pb.RangeVar, name: str, kind: str = "") -> str:
    """The name of a column, or of another part of that kind, with its table."""
    return part_of(relation(table), identifier(name), kind)


def part_of(table: str, name: str, kind: str) -> str:
    """The same of names as SQL writes them. A constraint may be named as a column."""
    return ".".join((table, f"{name} ({kind})" if kind else name))


def made_relation(kind: pb.ObjectType, name: pb.RangeVar, must_be_new: bool) -> Made:
    """A table, view, sequence, index or the like."""
    text = relation(name)
    undo = _dropped(kind, pb.Node(list=pb.List(items=_parts(name))))
    return Made(text, filled(_RELATION, name=text), undo, must_be_new)


def made_concurrently(index: pb.RangeVar, must_be_new: bool) -> Made:
    """An index that can be dropped only as it was built: outside of a transaction."""
    text = relation(index)
    drop = _drop(pb.OBJECT_INDEX, pb.Node(list=pb.List(items=_parts(index))))
    drop.concurrent = True
    return Made(text, filled(_RELATION, name=text), sql_of(drop), must_be_new)


def made_column(table: pb.RangeVar, name: str, must_be_new: bool) -> Made:
    exists = filled(_COLUMN, table=relation(table), name=name)
    undo = _undone(table, naming(pb.AT_DropColumn, name, True))
    return Made(part_name(table, name), exists, undo, must_be_new)


def made_not_null(table: pb.RangeVar, name: str) -> Made:
    exists = filled(_NOT_NULL, table=relation(table), name=name)
    undo = _undone(table, naming(pb.AT_DropNotNull, name))
    return Made(part_name(table, name, NOT_NULL), exists, undo, must_be_new=False)


def made_constraint(table: pb.RangeVar, name: str, must_be_new: bool) -> Made:
    exists = filled(_CONSTRAINT, table=relation(table), name=name)
    undo = _undone(table, naming(pb.AT_DropConstraint, name, True))
    return Made(part_name(table, name, CONSTRAINT), exists, undo, must_be_new)


def made_part(
    kind: pb.ObjectType, table: pb.RangeVar, name: str, must_be_new: bool
) -> Made:
    """A trigger or a policy."""
    names = [*_parts(table), pb.Node(string=pb.String(sval=name))]
    undo = _dropped(kind, pb.Node(list=pb.List(items=names)))
    exists = filled(_PARTS[kind], table=relation(table), name=name)
    return Made(part_name(table, name, KINDS[kind]), exists, undo, must_be_new)


def made_function(node: pb.CreateFunctionStmt) -> Made:
    text = str(created_function(node))
    kind = pb.OBJECT_PROCEDURE if node.is_procedure else pb.OBJECT_FUNCTION
    arguments = [pb.Node(type_name=type_) for type_ in input_types(node)]
    routine = pb.ObjectWithArgs(objname=node.funcname, objargs=arguments)
    undo = _dropped(kind, pb.Node(object_with_args=routine))
    return Made(text, filled(_ROUTINE, name=text), undo, not node.replace)


def made_type(kind: pb.ObjectType, names: list[pb.Node]) -> Made:
    """A type or a domain: there is neither IF NOT EXISTS nor OR REPLACE for them."""
    type_name = pb.Node(type_name=pb.TypeName(names=names, typemod=-1))
    text = qualified(names)
    return Made(text, filled(_TYPE, name=text), _dropped(kind, type_name), True)


def made_named(kind: pb.ObjectType, name: str, must_be_new: bool) -> Made:
    """A schema or an extension."""
    node = pb.Node(string=pb.String(sval=name))
    # to_regnamespace() reads its argument as SQL, pg_extension holds the bare name.
    text = identifier(name) if kind == pb.OBJECT_SCHEMA else name
    exists = filled(_NAMED[kind], name=text)
    return Made(object_name(node), exists, _dropped(kind, node), must_be_new)


def _undone(table: pb.RangeVar, command: pb.AlterTableCmd) -> str:
    return sql_of(altered(table, command, if_exists=True))


def _parts(name: pb.RangeVar) -> list[pb.Node]:
    texts = [name.schemaname, name.relname] if name.schemaname else [name.relname]
    return [pb.Node(string=pb.String(sval=text)) for text in texts]


def _drop(kind: pb.ObjectType, node: pb.Node) -> pb.DropStmt:
    return pb.DropStmt(
        remove_type=kind, objects=[node], missing_ok=True, behavior=pb.DROP_RESTRICT
    )


def _dropped(kind: pb.ObjectType, node: pb.Node) -> str:
    return unchecked_sql_of(_drop(kind, node))
