"""Names, types and expressions of a syntax tree, as SQL writes them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

BUILTIN_TYPES = frozenset(
    {"bigint", "bool", "boolean", "bytea", "date", "inet", "int", "int4", "int8"}
    | {"integer", "jsonb", "name", "numeric", "smallint", "text", "time", "timestamp"}
    | {"timestamptz", "uuid", "varchar", "void"}
)
"""Unqualified names that libpg_query does not mark as pg_catalog's; not complete."""

_INTERNAL_NAMES = frozenset(
    {"bool", "float4", "float8", "int2", "int4", "int8", "timestamptz", "timetz"}
)

_ADD_COLUMN = "ALTER TABLE t ADD COLUMN c "
_PARTS = re.compile(r'"(?:[^"]|"")*"|[^.]+')
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_NOT_INPUT = {pb.FUNC_PARAM_OUT, pb.FUNC_PARAM_TABLE}
# No value can be cast to a pseudo-type; for bpchar the server has two spellings.
_NOT_COMPARABLE = re.compile(
    r"trigger|event_trigger|record|any\w*|internal|cstring|bpchar.*"
)


@dataclass(frozen=True)
class Signature:
    """A function's name and input types. Without types: whichever has the name."""

    name: str
    types: tuple[str, ...] | None

    def __str__(self) -> str:
        if self.types is None:
            return self.name
        return f"{self.name}({', '.join(self.types)})"


@lru_cache(maxsize=4096)
def identifier(name: str) -> str:
    """The name, in double quotes where SQL needs them.

    Like PostgreSQL's quote_ident(): every keyword that is not "unreserved" is
    quoted (SQL Key Words, PostgreSQL documentation, appendix C).
    """
    if _PLAIN.fullmatch(name):
        (token,) = postgast.scan(name).tokens
        if token.keyword_kind in (pb.NO_KEYWORD, pb.UNRESERVED_KEYWORD):
            return name
    return '"' + name.replace('"', '""') + '"'


def qualified(names: Iterable[pb.Node]) -> str:
    """A list of string nodes as ``schema.name``."""
    return ".".join(identifier(name.string.sval) for name in names)


def relation(node: pb.RangeVar) -> str:
    """A table's, view's or other relation's name."""
    return in_schema_of(node, node.relname)


def in_schema_of(node: pb.RangeVar, name: str) -> str:
    """A name, qualified with the schema that a relation is qualified with."""
    parts = [node.schemaname, name] if node.schemaname else [name]
    return ".".join(map(identifier, parts))


def may_be_same(left: str, right: str) -> bool:
    """Whether two names may mean one relation: unqualified fits any schema."""
    lefts, rights = _PARTS.findall(left), _PARTS.findall(right)
    shorter = min(len(lefts), len(rights))
    return bool(lefts[-shorter:] == rights[-shorter:])


def may_be_same_function(left: Signature, right: Signature) -> bool:
    """Whether two signatures may mean one function."""
    if not may_be_same(left.name, right.name):
        return False
    if left.types is None or right.types is None:
        return True
    return len(left.types) == len(right.types) and all(
        map(may_be_same, left.types, right.types)
    )


def type_text(node: pb.TypeName) -> str:
    """A type, in the parser's short spelling (``int``, ``varchar(20)``)."""
    tree = postgast.parse(_ADD_COLUMN + "int")
    (command,) = tree.stmts[0].stmt.alter_table_stmt.cmds
    type_name = getattr(command.alter_table_cmd, "def").column_def.type_name
    type_name.CopyFrom(node)
    if len(node.names) == 1 and node.names[0].string.sval in _INTERNAL_NAMES:
        # Marked as the parser marks ``integer``, so that both come out as ``int``.
        schema = pb.Node(string=pb.String(sval="pg_catalog"))
        type_name.names.insert(0, schema)
    return postgast.deparse(tree).removeprefix(_ADD_COLUMN)


def bare_type_text(node: pb.TypeName) -> str:
    """A type of a function's, whose length or precision the server ignores."""
    bare = pb.TypeName()
    bare.CopyFrom(node)
    bare.ClearField("typmods")
    if bare.names[-1].string.sval == "bpchar":
        # Marked as pg_catalog's it would be written ``char``, which means char(1).
        del bare.names[:-1]
    return type_text(bare)


def is_builtin(node: pb.TypeName) -> bool:
    """Whether the type is there on every server; False when in doubt."""
    names = [name.string.sval for name in node.names]
    return names[0] == "pg_catalog" or (
        len(names) == 1 and names[0] in BUILTIN_TYPES and not node.pct_type
    )


def result_text(node: pb.TypeName) -> str | None:
    """A function's result type; None for one that cannot be compared."""
    text = bare_type_text(node)
    if node.setof or node.pct_type or _NOT_COMPARABLE.fullmatch(text):
        return None
    return text


def expression_text(node: pb.Node) -> str:
    """An expression, without parentheses around it."""
    tree = postgast.parse("SELECT 1")
    tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val.CopyFrom(node)
    return postgast.deparse(tree).removeprefix("SELECT ")


def named_function(node: pb.ObjectWithArgs) -> Signature:
    """The function that a DROP, ALTER, COMMENT, GRANT or REVOKE names."""
    types = tuple(bare_type_text(item.type_name) for item in node.objargs)
    return Signature(qualified(node.objname), None if node.args_unspecified else types)


def input_types(node: pb.CreateFunctionStmt) -> Sequence[pb.TypeName]:
    """The types that make a function's identity."""
    return [
        parameter.function_parameter.arg_type
        for parameter in node.parameters
        if parameter.function_parameter.mode not in _NOT_INPUT
    ]


def created_function(node: pb.CreateFunctionStmt) -> Signature:
    """The function or procedure that a CREATE makes."""
    return Signature(
        qualified(node.funcname), tuple(map(bare_type_text, input_types(node)))
    )


def object_name(node: pb.Node) -> str:
    """The object that a DROP or COMMENT names, whatever its kind."""
    match inner(node):
        case pb.List() as names:
            return qualified(names.items)
        case pb.ObjectWithArgs() as function:
            return str(named_function(function))
        case pb.TypeName() as type_name:
            return type_text(type_name)
        case pb.String() as name:
            return identifier(name.sval)
    return ""


def inner(node: pb.Node) -> Message:
    """What a node wraps."""
    kind = node.WhichOneof("node")
    message: Message = getattr(node, kind) if kind else node
    return message


def canonical_name(text: str) -> str:
    """A relation's name as this module writes it; as it is if it is no name."""
    node = _only_dropped(f"DROP TABLE {text}")
    return object_name(node) if node else text


def canonical_signature(text: str) -> str:
    """A function's signature as this module writes it; as it is if it is none."""
    node = _only_dropped(f"DROP ROUTINE {text}")
    return object_name(node) if node else text


def _only_dropped(statement: str) -> pb.Node | None:
    try:
        tree = postgast.parse(statement)
    except postgast.PgQueryError:
        return None
    if len(tree.stmts) != 1 or len(tree.stmts[0].stmt.drop_stmt.objects) != 1:
        return None
    return tree.stmts[0].stmt.drop_stmt.objects[0]
