"""One line about a statement: what it does to which object, and no values.

Values are left out because they may be secrets (``CREATE ROLE … PASSWORD``).
"""

import re
from collections.abc import Iterable

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import (
    created_function,
    identifier,
    named_function,
    object_name,
    qualified,
    relation,
)

MAX_LENGTH = 80

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SPELLED_OUT = {
    "MATVIEW": "MATERIALIZED VIEW",
    "TABCONSTRAINT": "CONSTRAINT",
    "TRIG": "TRIGGER",
    "SEQ": "SEQUENCE",
    "STATS": "STATISTICS",
    "MAT": "MATERIALIZED",
}


def summarize(node: Message) -> str:
    """At most 80 characters, such as ``ALTER TABLE t ADD COLUMN c``."""
    text = _summary(node)
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"


def _summary(node: Message) -> str:
    match node:
        case pb.AlterTableStmt():
            return _alter_table(node)
        case pb.CreateFunctionStmt():
            what = "PROCEDURE" if node.is_procedure else "FUNCTION"
            return f"CREATE {what} {created_function(node)}"
        case pb.IndexStmt():
            name = f"{identifier(node.idxname)} " if node.idxname else ""
            return f"CREATE INDEX {name}ON {relation(node.relation)}"
        case pb.DropStmt():
            return f"DROP {_object_kind(node.remove_type)} {_names(node.objects)}"
        case pb.CommentStmt():
            kind = _object_kind(node.objtype)
            return f"COMMENT ON {kind} {object_name(node.object)}"
        case pb.GrantStmt():
            return _grant(node)
        case pb.VariableSetStmt():
            return f"SET {node.name}"
        case pb.AlterOwnerStmt():
            kind = _object_kind(node.object_type)
            return f"ALTER {kind} {object_name(node.object)} OWNER"
        case pb.AlterFunctionStmt():
            return f"ALTER FUNCTION {named_function(node.func)}"
        case pb.RenameStmt():
            kind = _object_kind(node.rename_type)
            return f"RENAME {kind} TO {identifier(node.newname)}"
        case pb.CreateTableAsStmt():
            return f"CREATE {_object_kind(node.objtype)} {relation(node.into.rel)}"
        case pb.CreateEnumStmt() | pb.AlterEnumStmt():
            return f"{_NAMES[node.DESCRIPTOR.name]} {qualified(node.type_name)}"
    return _from_the_tree(node)


_NAMES = {
    "CreateStmt": "CREATE TABLE",
    "CreateForeignTableStmt": "CREATE FOREIGN TABLE",
    "CreateEnumStmt": "CREATE TYPE",
    "AlterEnumStmt": "ALTER TYPE",
    "LockStmt": "LOCK TABLE",
    "InsertStmt": "INSERT INTO",
    "DeleteStmt": "DELETE FROM",
    "MergeStmt": "MERGE INTO",
    "ViewStmt": "CREATE VIEW",
    "RuleStmt": "CREATE RULE",
    "DefineStmt": "CREATE",
    "CompositeTypeStmt": "CREATE TYPE",
}


def _from_the_tree(node: Message) -> str:
    """The statement's kind in words, with the name and the table that it has."""
    kind = node.DESCRIPTOR.name
    words = _NAMES.get(kind) or _words(kind.removesuffix("Stmt"))
    for field in ("name", "trigname", "policy_name", "schemaname", "extname"):
        name = getattr(node, field, "")
        if isinstance(name, str) and name:
            words += f" {identifier(name)}"
    table = _relation_of(node)
    if not table:
        return words
    return f"{words} ON {table}" if kind.endswith(_ON_TABLE) else f"{words} {table}"


_ON_TABLE = ("TrigStmt", "PolicyStmt")


def _relation_of(node: Message) -> str:
    for field in ("relation", "table", "view", "sequence", "typevar"):
        named = getattr(node, field, None)
        if isinstance(named, pb.RangeVar) and named.relname:
            return relation(named)
    relations = getattr(node, "relations", ())
    return ", ".join(relation(item.range_var) for item in relations)


def _alter_table(node: pb.AlterTableStmt) -> str:
    actions = [_action(command.alter_table_cmd) for command in node.cmds]
    kind = _object_kind(node.objtype)
    return f"ALTER {kind} {relation(node.relation)} {', '.join(actions)}"


def _action(command: pb.AlterTableCmd) -> str:
    words = _words(pb.AlterTableType.Name(command.subtype).removeprefix("AT_"))
    definition = getattr(command, "def")
    name = (
        command.name
        or definition.column_def.colname
        or definition.constraint.conname
        or definition.index_stmt.idxname
    )
    return f"{words} {identifier(name)}" if name else words


def _grant(node: pb.GrantStmt) -> str:
    verb = "GRANT" if node.is_grant else "REVOKE"
    kind = _object_kind(node.objtype)
    if node.targtype == pb.ACL_TARGET_ALL_IN_SCHEMA:
        return f"{verb} ON ALL {kind}S IN SCHEMA {_names(node.objects)}"
    names = [
        relation(item.range_var) if item.range_var.relname else object_name(item)
        for item in node.objects
    ]
    return f"{verb} ON {kind} {', '.join(names)}"


def _names(objects: Iterable[pb.Node]) -> str:
    return ", ".join(map(object_name, objects))


def _object_kind(kind: pb.ObjectType) -> str:
    word = str(pb.ObjectType.Name(kind)).removeprefix("OBJECT_")
    return _SPELLED_OUT.get(word, word.replace("_", " "))


def _words(camel_case: str) -> str:
    words = [word.upper() for word in _WORD.findall(camel_case)]
    return " ".join(_SPELLED_OUT.get(word, word) for word in words)
